"""The project's own processes, as commands."""

import os
import sys

from notebook.stack.child import Command

WORKER_GRACE_SECONDS = 6  # above worker_soft_shutdown_timeout of notebook.celery


def prepare(variables: dict[str, str]) -> Command:
    return _python("-m", "notebook.stack.prepare", name="prepare", variables=variables, speaks=True)


def web(variables: dict[str, str], *, host: str, port: int) -> Command:
    arguments = ["-m", "notebook.stack.web", "--host", host, "--port", str(port)]
    return _python(*arguments, name="web", variables=variables)


def worker(variables: dict[str, str]) -> Command:
    arguments = ["-m", "celery", "-A", "notebook", "worker", "-Q", "document_processing"]
    # Two copies may share a broker, where workers of the same name would disturb each other.
    arguments += ["-n", f"worker-{os.getpid()}@%h", "--without-gossip", "--without-mingle"]
    # On SIGTERM: a few seconds to finish, then unfinished messages go back to the queue.
    variables = {**variables, "REMAP_SIGTERM": "SIGQUIT"}
    return _python(*arguments, name="worker", variables=variables, vital=False, background=True)


def sweeper(variables: dict[str, str]) -> Command:
    return _python("manage.py", "sweep", name="sweeper", variables=variables, vital=False)


def beat(variables: dict[str, str]) -> Command:
    arguments = ["-m", "celery", "-A", "notebook", "beat", "--pidfile="]
    return _python(*arguments, name="beat", variables=variables, vital=False)


def _python(
    *arguments: str,
    name: str,
    variables: dict[str, str],
    speaks: bool = False,
    vital: bool = True,
    background: bool = False,
) -> Command:
    return Command(
        name=name,
        arguments=[sys.executable, *arguments],
        variables=variables,
        speaks=speaks,
        vital=vital,
        background=background,
    )
