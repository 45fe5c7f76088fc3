"""A measured program: a child process that answers lines of JSON."""

import contextlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

PROJECT = Path(__file__).resolve().parent.parent
LOOK_SECONDS = 0.05  # between two samples of the memory
# Turns off telemetry and downloads during measurements.
SILENT = {
    "ANONYMIZED_TELEMETRY": "false",
    "DO_NOT_TRACK": "1",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "SCARF_NO_ANALYTICS": "1",
    "UNSTRUCTURED_DISABLE_NOTICE": "1",
}


class NotInstalledError(Exception):
    """The Python that runs the program lacks its dependencies."""


@dataclass(frozen=True)
class Measured:
    """An answer and its costs, including all descendant processes."""

    answer: Any
    seconds: float
    cpu_seconds: float
    peak_bytes: int = 0  # of memory, shared pages divided among their users; 0: not measured


class Program:
    """`python -m module arguments`: reports ready, then answers each line with one."""

    def __init__(
        self,
        python: Path,
        module: str,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            [python, "-m", module, *arguments],
            cwd=PROJECT,
            env={**os.environ, **SILENT, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._watched = psutil.Process(self._process.pid)
        ready = self._read()
        if "missing" in ready:
            self.close()
            raise NotInstalledError(ready["missing"])

    def ask(self, request: object, *, memory: bool = False) -> Measured:
        """Send a request. RuntimeError if the program ends instead of answering."""
        cpu, started = cpu_seconds(self._watched), time.perf_counter()
        with _peak_of(self._watched) if memory else contextlib.nullcontext([0]) as peak:
            answer = self._exchange(request)
        seconds = time.perf_counter() - started
        return Measured(answer, seconds, cpu_seconds(self._watched) - cpu, max(peak))

    def memory_bytes(self) -> int:
        """Its present memory, descendants included."""
        return memory_bytes(self._watched)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def _exchange(self, request: object) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended.")
        return json.loads(line)


def cpu_seconds(process: psutil.Process) -> float:
    """The CPU time of a process, its living descendants and those they waited for."""
    used = 0.0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):
            used += sum(each.cpu_times()[:4])
    return used


def memory_bytes(process: psutil.Process) -> int:
    """Memory of a process and its descendants; a page shared by n counts as an nth for each."""
    held = 0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):
            held += _proportional(each.pid)
    return held


def _proportional(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


@contextlib.contextmanager
def _peak_of(process: psutil.Process) -> Iterator[list[int]]:
    found, done = [0], threading.Event()

    def look() -> None:
        while not done.wait(LOOK_SECONDS):
            found.append(memory_bytes(process))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield found
    finally:
        done.set()
        watcher.join()
