"""Starts everything in order, keeps it running, and stops it."""

import asyncio
import errno
import http.client
import json
import os
import signal
import socket
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from notebook.stack import processes
from notebook.stack.child import Child, Command, run_once
from notebook.stack.console import say
from notebook.stack.data_dir import locked, open_data_dir, write_private
from notebook.stack.exceptions import StackError
from notebook.stack.keeper import keep
from notebook.stack.leftovers import end_leftovers
from notebook.stack.services import KINDS, EmbeddedServices

WEB_START_SECONDS = 60
SAME_SIGNAL_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Options:
    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8000
    web: bool = True


def supervise(options: Options) -> None:
    """Run the whole stack until a signal ends it; StackError if it can't continue.

    `data_dir/runtime.json` tells other processes how to reach the services; it exists as soon as
    the database is ready.
    """
    data_dir = open_data_dir(options.data_dir)
    with locked(data_dir):
        if options.web:
            require_free_port(options.host, options.port)
        end_leftovers(data_dir)
        asyncio.run(Supervisor(options, data_dir).run())


class Supervisor:
    def __init__(self, options: Options, data_dir: Path) -> None:
        self.options = options
        self.data_dir = data_dir
        self.services = EmbeddedServices(data_dir, given=os.environ)
        self.variables = {**self.services.variables, "PORT": str(options.port)}
        self.children: list[Child] = []
        self.asked_at = 0.0
        self.stop_asked = asyncio.Event()
        self.hurry = asyncio.Event()

    async def run(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._ask_to_stop)
        work = asyncio.create_task(self._work())
        asked = asyncio.create_task(self.stop_asked.wait())
        try:
            await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
            work.cancel()
            await asyncio.wait({work})
        finally:
            await self._stop()
        if not work.cancelled() and (error := work.exception()):
            raise _first(error)

    def _ask_to_stop(self) -> None:
        now = time.monotonic()
        # A terminal's Ctrl-C reaches us twice at once: directly and through make.
        if self.asked_at and now > self.asked_at + SAME_SIGNAL_SECONDS:
            self.hurry.set()
        self.asked_at = self.asked_at or now
        self.stop_asked.set()

    async def _work(self) -> None:
        self._announce()
        await self.services.start()
        async with asyncio.TaskGroup() as keepers:
            for service in self.services.services:
                child = self.services.children[service.name]
                start = partial(self.services.start_again, service)
                keepers.create_task(keep(child, start=start))
            await self._prepare_database()
            # Each process takes seconds to import: first those that users wait for.
            await self._launch(self._at_once(), keepers)
            await self._greet()
            await self._launch(self._later(), keepers)

    def _announce(self) -> None:
        names = [service.name for service in self.services.services]
        if names:
            say(f"Starting {', '.join(names)} ...")
        for kind in KINDS:
            if given := [name for name in kind.given_by if os.environ.get(name)]:
                say(f"No {kind.name} of our own: {' and '.join(given)} given.")

    async def _prepare_database(self) -> None:
        say("Bringing the database up to date ...")
        await run_once(processes.prepare(self.variables), data_dir=self.data_dir)
        write_private(self._runtime, json.dumps(self._shared_variables(), indent=2) + "\n")

    def _shared_variables(self) -> dict[str, str]:
        given = {name for kind in KINDS for name in kind.given_by} & os.environ.keys()
        return {**{name: os.environ[name] for name in given}, **self.variables}

    def _at_once(self) -> list[Command]:
        options, worker = self.options, processes.worker(self.variables)
        if not options.web:
            return [worker]
        return [processes.web(self.variables, host=options.host, port=options.port), worker]

    def _later(self) -> list[Command]:
        return [processes.sweeper(self.variables), processes.beat(self.variables)]

    async def _launch(self, commands: list[Command], keepers: asyncio.TaskGroup) -> None:
        for command in commands:
            child = Child(command, data_dir=self.data_dir)
            self.children.append(child)
            await child.start()
            keepers.create_task(keep(child, start=child.start))

    async def _greet(self) -> None:
        if not self.options.web:
            say("Notebook works in the background, without a web server.")
            return
        address = (_reachable(self.options.host), self.options.port)
        try:
            async with asyncio.timeout(WEB_START_SECONDS):
                while not await asyncio.to_thread(answers, *address):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        except TimeoutError:
            log = self.data_dir / "logs" / "web.log"
            raise StackError(f"web did not answer in {WEB_START_SECONDS} s: {log}") from None
        say(f"Notebook is ready at http://{address[0]}:{address[1]}/")
        say(
            "Sign in as admin; the password was printed at the first start"
            " (a new one: .venv/bin/python manage.py changepassword admin). Ctrl-C stops."
        )

    async def _stop(self) -> None:
        say("Stopping ...")
        self._runtime.unlink(missing_ok=True)
        grace = processes.WORKER_GRACE_SECONDS
        await asyncio.gather(*(c.stop(grace=grace, hurry=self.hurry) for c in self.children))
        await self.services.stop(hurry=self.hurry)
        say("Stopped.")

    @property
    def _runtime(self) -> Path:
        return self.data_dir / "runtime.json"


def require_free_port(host: str, port: int) -> None:
    """StackError if the address can't be bound."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise StackError(
                    f"HOST must be an address of this machine, not {host} ({error.strerror})."
                ) from error
            raise StackError(
                f"Port {port} can't be used ({error.strerror}). Choose another: make run PORT=8001"
            ) from error


def answers(host: str, port: int) -> bool:
    """Whether the web server responds; host and HTTPS rules are not checked."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _reachable(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def _first(error: BaseException) -> BaseException:
    """The original error inside asyncio's exception groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
