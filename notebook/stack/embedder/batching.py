"""Merges the windows of all waiting requests into batches of equal length."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from notebook.stack.embedder.weights import HIDDEN

Window = NDArray[np.int32]


class StoppedError(Exception):
    """The embedder is shutting down."""


class Job:
    """The windows of one request, and room for their means."""

    def __init__(self, windows: list[Window]) -> None:
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
        """Whether it ended, successfully or not, within ``seconds``."""
        return self._done.wait(seconds)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Waiting:
    job: Job
    index: int

    @property
    def window(self) -> Window:
        return self.job.windows[self.index]


class Batcher:
    """Threads that run the windows of all requests in batches of at most about ``budget`` tokens.

    A batch holds windows of one length, so nothing is padded; from some thirty tokens on a single
    window is as fast per token as a batch. First come, first served; within a request the longest
    first, so that the threads finish together.
    """

    def __init__(
        self,
        run: Callable[[NDArray[np.int32]], NDArray[np.float32]],
        *,
        name: str,
        threads: int,
        budget: int,
    ) -> None:
        self._run = run
        self._budget = budget
        self._waiting: list[_Waiting] = []
        self._changed = threading.Condition()
        self._is_stopping = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, windows: list[Window]) -> Job:
        """Queue the windows; raises StoppedError once ``stop`` was called."""
        job = Job(windows)
        with self._changed:
            if self._is_stopping:
                raise StoppedError
            longest_first = sorted(range(len(windows)), key=lambda index: -len(windows[index]))
            self._waiting += [_Waiting(job=job, index=index) for index in longest_first]
            self._changed.notify(len(windows))
        return job

    def stop(self) -> None:
        """Let running batches finish, fail waiting ones."""
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
                means = self._run(np.stack([waiting.window for waiting in batch]))
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
        length = len(self._waiting[0].window)
        alike = [item for item in self._waiting if len(item.window) == length]
        batch = alike[: max(1, self._budget // length)]
        taken = set(map(id, batch))
        self._waiting = [item for item in self._waiting if id(item) not in taken]
        return batch
