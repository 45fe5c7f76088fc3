"""Runs the graph: windows of tokens in, their mean states out."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from notebook.stack.embedder.graph import cached_graph
from notebook.stack.embedder.weights import HIDDEN, POSITIONS, Weights

WINDOW = POSITIONS - 2
"""Tokens of text that fit beside the begin and end tokens."""


class Encoder:
    """One session whose runs stay in the thread that calls it, so that callers run in parallel."""

    def __init__(self, weights: Weights, cache_dir: Path) -> None:
        self._weights = weights
        # Type row 0 belongs to every token.
        self._positions = weights.tensor("emb.pos").reshape(POSITIONS, HIDDEN)
        self._positions += weights.tensor("emb.type")[:HIDDEN]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        path = str(cached_graph(weights, cache_dir))
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )

    def means(self, windows: list[NDArray[np.int32]]) -> NDArray[np.float32]:
        """Mean of the last layer's states of each window, ``[len(windows), HIDDEN]``."""
        lengths = np.array([len(window) for window in windows], np.int32)
        embeddings = np.zeros((len(windows), lengths.max(), HIDDEN), np.float32)
        pooling = np.zeros((len(windows), 1, lengths.max()), np.float32)
        for row, window in enumerate(windows):
            size = len(window)
            embeddings[row, :size] = self._weights.words(window) + self._positions[:size]
            pooling[row, 0, :size] = 1 / size
        inputs = {"embeddings": embeddings, "lengths": lengths, "pooling": pooling}
        means: NDArray[np.float32] = self._session.run(None, inputs)[0]
        return means
