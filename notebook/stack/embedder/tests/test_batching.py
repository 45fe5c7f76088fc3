import threading

import numpy as np
import pytest

from notebook.stack.embedder.batching import Batcher, StoppedError
from notebook.stack.embedder.weights import HIDDEN


class Recorder:
    """Answers every window with its first token; keeps the shapes; waits while the gate is shut."""

    def __init__(self):
        self.shapes = []
        self.gate = threading.Event()
        self.started = threading.Semaphore(0)

    def __call__(self, windows):
        self.started.release()
        assert self.gate.wait(10)
        self.shapes.append(windows.shape)
        if windows[0, 0] < 0:
            raise ValueError
        return np.repeat(windows[:, :1], HIDDEN, axis=1).astype(np.float32)


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def batcher(recorder):
    batcher = Batcher(recorder, name="test", threads=1, budget=20)
    yield batcher
    recorder.gate.set()
    batcher.stop()


def window(length, token=1):
    return np.full(length, token, np.int32)


def occupy(batcher, recorder):
    """Keep the only thread busy, so that what follows has to queue."""
    job = batcher.submit([window(1)])
    assert recorder.started.acquire(timeout=10)
    return job


def test_windows_of_one_length_are_merged_over_requests_and_the_longest_go_first(batcher, recorder):
    occupy(batcher, recorder)
    jobs = [batcher.submit([window(4, 7), window(9, 8)]), batcher.submit([window(9, 5)])]
    recorder.gate.set()
    assert all(job.wait(10) for job in jobs)
    assert recorder.shapes == [(1, 1), (2, 9), (1, 4)]
    assert jobs[0].means[:, 0].tolist() == [7, 8]
    assert jobs[1].means[:, 0].tolist() == [5]


def test_a_batch_keeps_to_the_budget_of_tokens(batcher, recorder):
    occupy(batcher, recorder)
    job = batcher.submit([window(8)] * 3 + [window(50)])
    recorder.gate.set()
    assert job.wait(10)
    assert recorder.shapes == [(1, 1), (1, 50), (2, 8), (1, 8)]


def test_a_failing_batch_fails_its_own_request_only(batcher, recorder):
    occupy(batcher, recorder)
    bad, good = batcher.submit([window(3, -1)]), batcher.submit([window(4)])
    recorder.gate.set()
    assert bad.wait(10)
    assert good.wait(10)
    assert isinstance(bad.error, ValueError)
    assert good.error is None


def test_the_windows_of_an_abandoned_request_are_not_run(batcher, recorder):
    occupy(batcher, recorder)
    abandoned, wanted = batcher.submit([window(3)]), batcher.submit([window(4)])
    abandoned.is_abandoned = True
    recorder.gate.set()
    assert wanted.wait(10)
    assert recorder.shapes == [(1, 1), (1, 4)]


def test_stopping_ends_the_running_batch_and_fails_what_waits(batcher, recorder):
    running = occupy(batcher, recorder)
    waiting = batcher.submit([window(3)])
    stopper = threading.Thread(target=batcher.stop)
    stopper.start()
    assert waiting.wait(10)
    recorder.gate.set()
    stopper.join(10)
    assert running.wait(0)
    assert running.error is None
    assert isinstance(waiting.error, StoppedError)
    with pytest.raises(StoppedError):
        batcher.submit([window(1)])
