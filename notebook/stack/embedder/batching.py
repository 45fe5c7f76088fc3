"""Merges the windows of all waiting requests into batches of like length."""

import threading
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from numpy.typing import NDArray

from notebook.stack.embedder.weights import HIDDEN

Windows = list[NDArray[np.int32]]


class StoppedError(Exception):
    """The embedder is stopping."""


class Job:
    """The windows of one request and the place where their means are put."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        self.means = np.empty((len(windows), HIDDEN), np.float32)
        self.error: Exception | None = None
        self.is_abandoned = False
        self._left = len(windows)
        self._lock = threading.Lock()
        self._done = threading.Event()

    def put(self, index: int, mean: NDArray[np.float32]) -> None:
        self.means[index] = mean
        with self._lock:
            self._left -= 1
            if self._left == 0:
                self._done.set()

    def fail(self, error: Exception) -> None:
        self.error = error
        self._done.set()

    def wait(self, seconds: float) -> bool:
        """Whether it ended, well or badly, within ``seconds``."""
        return self._done.wait(seconds)


@dataclass(order=True, slots=True)
class _Waiting:
    length: int
    arrival: int
    job: Job = field(compare=False)
    index: int = field(compare=False)


class Batcher:
    """Threads that run waiting windows in batches of at most ``budget`` tokens, padding counted.

    Each batch starts from the window that has waited longest and takes those nearest to it in
    length, whichever request they are of: little padding, and nobody waits forever.
    """

    def __init__(
        self,
        run: Callable[[Windows], NDArray[np.float32]],
        *,
        name: str,
        threads: int,
        budget: int,
    ) -> None:
        self._run = run
        self._budget = budget
        self._waiting: list[_Waiting] = []
        self._arrivals = count()
        self._changed = threading.Condition()
        self._is_stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, windows: Windows) -> Job:
        """Queue the windows; raises StoppedError once ``stop`` was called."""
        job = Job(windows)
        with self._changed:
            if self._is_stopping:
                raise StoppedError
            for index, window in enumerate(windows):
                insort(self._waiting, _Waiting(len(window), next(self._arrivals), job, index))
            self._changed.notify(len(windows))
        return job

    def stop(self) -> None:
        """Let running batches end, fail what still waits."""
        with self._changed:
            self._is_stopping = True
            for waiting in self._waiting:
                waiting.job.fail(StoppedError())
            self._waiting.clear()
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._next_batch():
            try:
                means = self._run([waiting.job.windows[waiting.index] for waiting in batch])
            except Exception as error:  # noqa: BLE001 -- handed to the requests it belongs to
                for waiting in batch:
                    waiting.job.fail(error)
            else:
                for waiting, mean in zip(batch, means, strict=True):
                    waiting.job.put(waiting.index, mean)

    def _next_batch(self) -> list[_Waiting]:
        """Block until there is one; empty when stopping."""
        with self._changed:
            while not self._is_stopping:
                self._waiting = [item for item in self._waiting if not item.job.is_abandoned]
                if self._waiting:
                    return self._take()
                self._changed.wait()
        return []

    def _take(self) -> list[_Waiting]:
        oldest = min(range(len(self._waiting)), key=lambda i: self._waiting[i].arrival)
        start, stop = oldest, oldest + 1
        while (grown := self._grow(start, stop)) is not None:
            start, stop = grown
        batch = self._waiting[start:stop]
        del self._waiting[start:stop]
        return batch

    def _grow(self, start: int, stop: int) -> tuple[int, int] | None:
        """The slice with its nearest neighbour in length, unless that is over the budget."""
        waiting = self._waiting
        below = waiting[stop - 1].length - waiting[start - 1].length if start > 0 else None
        above = waiting[stop].length - waiting[start].length if stop < len(waiting) else None
        rows = stop - start + 1
        if above is not None and (below is None or above <= below):
            fits = rows * waiting[stop].length <= self._budget
            return (start, stop + 1) if fits else None
        if below is not None and rows * waiting[stop - 1].length <= self._budget:
            return (start - 1, stop)
        return None
