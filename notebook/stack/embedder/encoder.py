"""Runs the graph: windows of tokens to the means of their states."""

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from notebook.stack.embedder.graph import cached_graph
from notebook.stack.embedder.weights import HIDDEN, POSITIONS, Weights

WINDOW = POSITIONS - 2
"""Tokens of text that fit beside the begin and end tokens."""


class Encoder:
    """One session shared by several threads; each runs it on its own core.

    A run of one thread on each of two cores beats a run of two threads, which wait for each other
    at every matrix. ``threads_a_run`` over 1 adds a pool that all runs share.
    """

    def __init__(self, weights: Weights, cache_dir: Path, threads_a_run: int = 1) -> None:
        self._weights = weights
        # All tokens are of type 0.
        self._positions = weights.tensor("emb.pos").reshape(POSITIONS, HIDDEN)
        self._positions += weights.tensor("emb.type")[:HIDDEN]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads_a_run
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Arena and memory patterns would never release what the longest batch took.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        # Higher levels fuse Add into the layer norm, which makes both five times slower.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        path = str(cached_graph(weights, cache_dir))
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )

    def means(self, windows: NDArray[np.int32]) -> NDArray[np.float32]:
        """Means of the last layer's states, ``[batch, HIDDEN]``, of windows ``[batch, tokens]``."""
        batch, tokens = windows.shape
        words = self._weights.words(windows.reshape(-1)).reshape(batch, tokens, HIDDEN)
        inputs = {"embeddings": words + self._positions[:tokens]}
        means: NDArray[np.float32] = self._session.run(None, inputs)[0]
        return means
