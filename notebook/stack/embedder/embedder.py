"""Texts to vectors: tokens, windows, two queues of batches, the mean of the windows."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from notebook.stack.embedder.batching import Batcher, Job, Window
from notebook.stack.embedder.encoder import WINDOW, Encoder
from notebook.stack.embedder.tokenization import Tokenizer
from notebook.stack.embedder.weights import Weights

PREFIXES = {"e5-query": "query: ", "e5-passage": "passage: "}
"""What multilingual-e5 was trained to see before each kind of text, by the model's id."""

_BATCH_TOKENS = 256
_QUICK_TOKENS = 128
# Each run takes up to 35 MB; further cores help inside the runs.
_MAX_RUNS = 3
_POLL_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Embeddings:
    """``vectors`` [texts, 384] of length one, and how many tokens the model read."""

    vectors: NDArray[np.float32]
    tokens: int


class AbandonedError(Exception):
    """The client has gone."""


class Embedder:
    """Short requests have their own thread, so they never wait behind a batch of passages."""

    def __init__(self, cache_dir: Path, threads: int | None = None) -> None:
        weights = Weights()
        vocabulary = weights.vocabulary()
        self._begin, self._end = vocabulary.begin, vocabulary.end
        self._tokenizer = Tokenizer(vocabulary)
        threads = threads or len(os.sched_getaffinity(0))
        runs = min(threads, _MAX_RUNS)
        encoder = Encoder(weights, cache_dir, threads_a_run=threads - runs + 1)
        self._bulk = Batcher(encoder.means, name="bulk", threads=runs, budget=_BATCH_TOKENS)
        self._quick = Batcher(encoder.means, name="quick", threads=1, budget=_BATCH_TOKENS)

    def tokenize(self, model: str, text: str) -> list[int]:
        """Ids of the prefixed text; raises TextTooLongError."""
        return self._tokenizer.encode(PREFIXES[model] + text)

    def embed(self, texts: list[list[int]], is_abandoned: Callable[[], bool]) -> Embeddings:
        """Vectors of tokenized texts; raises AbandonedError and StoppedError."""
        windows = [self._windows(ids) for ids in texts]
        tokens = sum(len(ids) + 2 for ids in texts)
        lane = self._quick if tokens <= _QUICK_TOKENS else self._bulk
        job = lane.submit([window for text in windows for window in text])
        _wait(job, is_abandoned)
        return Embeddings(vectors=_combine(job.means, windows), tokens=tokens)

    def stop(self) -> None:
        self._quick.stop()
        self._bulk.stop()

    def _windows(self, ids: list[int]) -> list[Window]:
        return [
            np.array([self._begin, *ids[start : start + WINDOW], self._end], np.int32)
            for start in range(0, len(ids), WINDOW)
        ]


def _wait(job: Job, is_abandoned: Callable[[], bool]) -> None:
    while not job.wait(_POLL_SECONDS):
        if is_abandoned():
            job.is_abandoned = True
            raise AbandonedError
    if job.error is not None:
        raise job.error


def _combine(means: NDArray[np.float32], texts: list[list[Window]]) -> NDArray[np.float32]:
    """One unit vector per text: the mean of its windows weighted by their number of text tokens."""
    lengths = np.array([len(window) - 2 for text in texts for window in text], np.float32)
    starts = np.cumsum([0, *(len(text) for text in texts[:-1])])
    vectors = np.add.reduceat(means * lengths[:, None], starts)
    normalised: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return normalised
