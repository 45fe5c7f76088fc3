"""All embedded services together; also used by tests and commands that need nothing else."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from notebook.stack.child import Child, Command, run_once
from notebook.stack.data_dir import load_secrets, locked, open_data_dir
from notebook.stack.embedding_server import EmbeddingServer
from notebook.stack.exceptions import StackError
from notebook.stack.leftovers import end_leftovers
from notebook.stack.postgres import Postgres
from notebook.stack.service import Service, free_port
from notebook.stack.valkey import Valkey

KINDS: tuple[type[Service], ...] = (Postgres, Valkey, EmbeddingServer)
PORT_TRIES = 3
STOP_SECONDS = 2.5


class EmbeddedServices:
    """The services that `given`, an environment, does not name."""

    def __init__(self, data_dir: Path, *, given: Mapping[str, str], embedder: bool = True) -> None:
        self.data_dir = data_dir
        self.secrets = load_secrets(data_dir)
        self.given = given
        kinds = [kind for kind in KINDS if embedder or kind is not EmbeddingServer]
        self.services = [
            kind(data_dir=data_dir, secrets=self.secrets)
            for kind in kinds
            if not any(given.get(name) for name in kind.given_by)
        ]
        self.children: dict[str, Child] = {}

    @property
    def variables(self) -> dict[str, str]:
        """All variables that the project's processes need."""
        own = {
            "DATA_DIR": str(self.data_dir),
            "DJANGO_SETTINGS_MODULE": self.given.get("DJANGO_SETTINGS_MODULE")
            or "notebook.settings",
            "DO_NOT_TRACK": "1",
            "SECRET_KEY": self.given.get("SECRET_KEY") or self.secrets["SECRET_KEY"],
        }
        for service in self.services:
            own |= service.variables
        return own

    async def start(self) -> None:
        """Start all of them at the same time; return when each one answers."""
        try:
            async with asyncio.TaskGroup() as group:
                for service in self.services:
                    group.create_task(self._start(service))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors

    async def _start(self, service: Service) -> None:
        for _ in range(PORT_TRIES):
            child = self.children[service.name] = Child(service.command, data_dir=self.data_dir)
            await self.start_again(service)
            if await _answers(service, child):
                return
            service.port = free_port()  # another program may have taken it since
        raise StackError(f"{child.name} did not start: {child.failure_report()}")

    async def start_again(self, service: Service) -> None:
        """Restart a service on the same port."""
        await service.prepare(self._run_once)
        await self.children[service.name].start()

    async def _run_once(self, command: Command) -> None:
        await run_once(command, data_dir=self.data_dir)

    async def stop(self, *, hurry: asyncio.Event | None = None) -> None:
        stops = (child.stop(grace=STOP_SECONDS, hurry=hurry) for child in self.children.values())
        await asyncio.gather(*stops)


async def _answers(service: Service, child: Child) -> bool:
    """True once the service answers, False if it ended or stays silent for too long."""
    ready, ended = asyncio.create_task(service.ready()), asyncio.create_task(child.wait())
    try:
        await asyncio.wait(
            {ready, ended},
            timeout=service.start_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if child.exit_code is None and not ready.done():
            raise StackError(
                f"{child.name} did not answer in {service.start_seconds:.0f} s."
                f" Its log: {child.log}"
            )
        if ready.done():
            ready.result()  # or what keeps it from ever answering
        return ready.done() and child.exit_code is None
    finally:
        ready.cancel()
        ended.cancel()


@contextmanager
def running(data_dir: Path, *, embedder: bool = True) -> Iterator[dict[str, str]]:
    """Embedded services for as long as the block lasts.

    Starts only what the environment does not already name (DATABASE_URL, REDIS_URL,
    EMBEDDING_BASE_URL or OPENAI_API_KEY), keeps its data in `data_dir`, and yields the variables
    that the project's processes need. StackError if the directory is in use or one won't start.
    """
    data_dir = open_data_dir(data_dir)
    with locked(data_dir), asyncio.Runner() as runner:
        end_leftovers(data_dir)
        services = EmbeddedServices(data_dir, given=os.environ, embedder=embedder)
        try:
            runner.run(services.start())
            yield services.variables
        finally:
            runner.run(services.stop())
