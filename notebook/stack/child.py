"""A child process with a log and a pid record, ended together with all its descendants."""

import asyncio
import ctypes
import os
import shutil
import signal
import sys
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO

import psutil

from notebook.stack.exceptions import StackError

PROJECT_DIR = Path(__file__).resolve().parents[2]
LOG_BYTES = 10 * 1024 * 1024
STARVING_BYTES = 32 * 1024 * 1024  # two WAL segments: Postgres needs one to start
RECORD_SECONDS = 5
BACKGROUND_NICE = 5  # a third of the others' weight
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, kw_only=True)
class Command:
    """What to run and how to end it."""

    name: str
    arguments: list[str]
    variables: Mapping[str, str] = field(default_factory=dict)
    directory: Path = PROJECT_DIR
    stop_signal: signal.Signals = signal.SIGTERM
    # Sent by the kernel (Linux) if we die without stopping it.
    orphan_signal: signal.Signals = signal.SIGKILL
    speaks: bool = False  # its standard output goes to the terminal
    vital: bool = True  # if it keeps dying, the whole stack stops
    background: bool = False  # others that want a processor get it first


class Child:
    """A running `Command`; may be started again after it ended."""

    def __init__(self, command: Command, *, data_dir: Path) -> None:
        self.command = command
        self.name = command.name
        self.log = data_dir / "logs" / f"{self.name}.log"
        self._record = data_dir / "run" / f"{self.name}.pid"
        self._process: asyncio.subprocess.Process | None = None
        self._log_start = 0  # where in its log the present run begins

    @property
    def pid(self) -> int:
        return self._started.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal number if a signal ended it."""
        return self._started.returncode

    @property
    def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process

    async def start(self) -> None:
        with open_log(self.log) as log:
            self._log_start = log.tell()
            self._process = await asyncio.create_subprocess_exec(
                *self.command.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=None if self.command.speaks else log,
                stderr=log,
                cwd=self.command.directory,
                env={**os.environ, **self.command.variables},
                start_new_session=True,
                preexec_fn=partial(_prepare, self.command, os.getpid()),
            )
        self._keep_record(f"{self.pid}\n{created_at(self.pid)}\n")

    def _keep_record(self, text: str) -> None:
        """Write it now or, if the disk is full, later: only the next start needs it."""
        if text.startswith(f"{self.pid}\n") and self.exit_code is None:
            try:
                self._record.write_text(text)
            except OSError:
                asyncio.get_running_loop().call_later(RECORD_SECONDS, self._keep_record, text)

    async def wait(self) -> int:
        """Wait for its end, then kill what it left behind; return the exit code."""
        code = await self._started.wait()
        signal_group(self.pid, signal.SIGKILL)
        self._record.unlink(missing_ok=True)
        return code

    async def stop(self, *, grace: float, hurry: asyncio.Event | None = None) -> None:
        """Ask it to end; kill it and its descendants after `grace` seconds or on `hurry`."""
        if self._process is None:
            return
        family = descendants(self.pid)
        if self._process.returncode is None:
            self._process.send_signal(self.command.stop_signal)
            await self._ended_within(grace, hurry or asyncio.Event())
            family |= descendants(self.pid)
        signal_group(self.pid, signal.SIGKILL)
        for process in family:
            kill(process)
        await self.wait()

    async def _ended_within(self, grace: float, hurry: asyncio.Event) -> None:
        ways = {asyncio.create_task(self._started.wait()), asyncio.create_task(hurry.wait())}
        await asyncio.wait(ways, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()

    def starves(self) -> bool:
        """Whether the disk is so full that even a healthy server would die."""
        return shutil.disk_usage(self.log.parent).free < STARVING_BYTES

    def why_it_ended(self) -> str:
        """`exit code 1` or `killed by signal 9`."""
        code = self.exit_code or 0
        return f"killed by signal {-code}" if code < 0 else f"exit code {code}"

    def failure_report(self) -> str:
        """Why it ended, and the path and the last lines of its log."""
        lines = "".join(f"\n  {line}" for line in self.last_lines())
        return f"{self.why_it_ended()}. The end of its log, {self.log}:{lines or ' nothing'}"

    def last_lines(self, count: int = 15) -> list[str]:
        """The last lines of the present run: an earlier run's would mislead."""
        with self.log.open(errors="replace") as log:
            log.seek(self._log_start)
            return [line.rstrip() for line in deque(log, maxlen=count)]


def signal_when_orphaned(number: signal.Signals) -> None:
    """Have the kernel send us `number` when our parent dies. Linux only."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def die_with(parent: int, number: signal.Signals) -> None:
    """The same in a child that `parent` just forked; exits if that is dead already."""
    signal_when_orphaned(number)
    if os.getppid() != parent:
        os._exit(1)


def _prepare(command: Command, parent: int) -> None:
    """What the child does before it runs its command."""
    die_with(parent, command.orphan_signal)
    if command.background:
        _give_way()


def _give_way() -> None:
    """Let other processes go first where processors are short.

    Many Linux systems share them between sessions, and `nice` only counts within one: "The
    autogroup feature" in sched(7).
    """
    os.nice(BACKGROUND_NICE)
    with suppress(OSError):  # there are none here, or another was changed just now
        Path("/proc/self/autogroup").write_text(str(BACKGROUND_NICE))


async def run_once(command: Command, *, data_dir: Path) -> None:
    """Run a command to its end. Raises StackError if it fails."""
    child = Child(command, data_dir=data_dir)
    await child.start()
    try:
        await child.wait()
    finally:
        await child.stop(grace=0)
    if child.exit_code:
        raise StackError(f"{child.name} failed: {child.failure_report()}")


def open_log(path: Path) -> IO[bytes]:
    """Open for appending; rotates a file that has grown too large."""
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_name(f"{path.name}.1"))
    return path.open("ab")


def created_at(pid: int) -> float:
    """When a process was started, in seconds since 1970; 0 if it has ended already."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0


def descendants(pid: int) -> set[psutil.Process]:
    """Every living process that `pid` started, directly or not."""
    try:
        return set(psutil.Process(pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return set()


def kill(process: psutil.Process) -> None:
    """SIGKILL; psutil makes sure that the pid still is that process."""
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal the process group that `pid` led, if any of it is left."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a zombie's group
        return
