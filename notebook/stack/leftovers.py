"""Ends processes that a killed supervisor left running."""

import os
import signal
from pathlib import Path

import psutil

from notebook.stack.child import descendants, kill, signal_group
from notebook.stack.console import say

GRACE_SECONDS = 5


def end_leftovers(data_dir: Path) -> None:
    """End every process recorded in the data directory's `run/`. Call it with the lock held."""
    found = [process for path in _records(data_dir) if (process := _recorded(path))]
    if found:
        say(f"Ending {len(found)} process(es) left by an earlier run ...")
        _end(found)
    for path in _records(data_dir):
        path.unlink(missing_ok=True)


def _records(data_dir: Path) -> list[Path]:
    return sorted((data_dir / "run").glob("*.pid"))


def _recorded(path: Path) -> psutil.Process | None:
    """The process of a record, if its pid was not reused."""
    try:
        pid, created = path.read_text().split()
        process = psutil.Process(int(pid))
    except ValueError:
        return None
    except psutil.NoSuchProcess:
        signal_group(int(pid), signal.SIGKILL)  # a leader's children may outlive it
        return None
    # The clock's resolution is 1/100 s; a reused pid is at least a fork apart.
    same = abs(process.create_time() - float(created)) < 0.05
    return process if same and process.status() != psutil.STATUS_ZOMBIE else None


def _end(found: list[psutil.Process]) -> None:
    family = found + [child for process in found for child in descendants(process.pid)]
    for process in found:
        # SIGINT is Postgres' fast shutdown; our other processes obey it too.
        _signal(process, signal.SIGINT)
    _, alive = psutil.wait_procs(family, timeout=GRACE_SECONDS)
    for process in alive:
        kill(process)
    psutil.wait_procs(alive, timeout=GRACE_SECONDS)


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return
