"""What the embedded Postgres, Valkey and embedding server have in common."""

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from notebook.stack.child import Command

HOST = "127.0.0.1"
# Runs a command to its end; StackError if it fails.
RunOnce = Callable[[Command], Awaitable[None]]


class Service(ABC):
    """A server that we start when the environment names no real one."""

    name: str
    # If any of these is in the environment, a real server is used.
    given_by: tuple[str, ...]
    start_seconds: float = 30

    def __init__(self, *, data_dir: Path, secrets: Mapping[str, str]) -> None:
        self.data_dir = data_dir
        self.secrets = secrets
        self.port = free_port()

    @property
    @abstractmethod
    def variables(self) -> dict[str, str]:
        """The variables that tell the other processes how to reach it."""

    @property
    @abstractmethod
    def command(self) -> Command:
        """How to run it in the foreground."""

    @abstractmethod
    async def prepare(self, run: RunOnce) -> None:
        """Prepare for a start; called before each one."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Ask it as a client would. Blocks for two seconds at most.

        Raises StackError if waiting would not help.
        """

    async def ready(self) -> None:
        """Return as soon as it answers."""
        while not await asyncio.to_thread(self.is_ready):  # noqa: ASYNC110 - a server has no event
            await asyncio.sleep(0.1)


def free_port() -> int:
    """A free TCP port on the loopback address."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def package_dir(package: str) -> Path:
    """Where a package lies, without running its code."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(package)
    return Path(spec.origin).parent
