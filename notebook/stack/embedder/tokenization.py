"""The model's own tokens: SentencePiece with the pieces and normalisation table in the weights.

Token for token the same as the wheel's engine, so a NUL ends the text (the engine reads C strings)
and each unknown character is a token of its own.
"""

import re
from typing import Any

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from notebook.stack.embedder.weights import Vocabulary

MAX_TOKENS = 8192
"""Longest text, as in OpenAI's embedding models."""

# Protobuf creates the classes of this module at import; there are no stubs for them.
_schema: Any = sentencepiece_model_pb2
_SPACE = "\u2581"
_RUNS_OF_SPACES = re.compile(" {2,}")


class TextTooLongError(Exception):
    """The text has more than MAX_TOKENS tokens."""


class Tokenizer:
    def __init__(self, vocabulary: Vocabulary) -> None:
        self._replacements = vocabulary.replacements
        self._unknown = vocabulary.unknown
        self._longest_piece = max(map(len, vocabulary.pieces))
        self._processor = sentencepiece.SentencePieceProcessor()
        self._processor.LoadFromSerializedProto(_sentencepiece_model(vocabulary))

    def encode(self, text: str) -> list[int]:
        """Ids without the begin and end tokens; raises TextTooLongError."""
        normalised = self._normalise(text)
        # The lattice takes memory for every character, so hopelessly long texts are not even tried.
        if len(normalised) > MAX_TOKENS * self._longest_piece:
            raise TextTooLongError
        ids: list[int] = self._processor.encode(normalised)
        if self._unknown in ids:
            ids = self._spread_unknown(ids, normalised)
        if len(ids) + 2 > MAX_TOKENS:
            raise TextTooLongError
        return ids

    def _normalise(self, text: str) -> str:
        text = text.partition("\0")[0].translate(self._replacements)
        return _SPACE + _RUNS_OF_SPACES.sub(" ", text).replace(" ", _SPACE)

    def _spread_unknown(self, ids: list[int], normalised: str) -> list[int]:
        """SentencePiece joins adjacent unknown characters into one token; this undoes it."""
        pieces = self._processor.encode(normalised, out_type=str)
        unknown = self._unknown
        return [
            token
            for token_id, piece in zip(ids, pieces, strict=True)
            for token in ([token_id] if token_id != unknown else [unknown] * len(piece))
        ]


def _sentencepiece_model(vocabulary: Vocabulary) -> bytes:
    model = _schema.ModelProto()
    model.trainer_spec.model_type = _schema.TrainerSpec.UNIGRAM
    model.trainer_spec.unk_id = vocabulary.unknown
    model.trainer_spec.bos_id = vocabulary.begin
    model.trainer_spec.eos_id = vocabulary.end
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.add_dummy_prefix = False
    model.normalizer_spec.remove_extra_whitespaces = False
    model.normalizer_spec.escape_whitespaces = False
    for piece, score in zip(vocabulary.pieces, vocabulary.scores, strict=True):
        model.pieces.add(piece=piece, score=score)
    model.pieces[vocabulary.unknown].type = _schema.ModelProto.SentencePiece.UNKNOWN
    serialised: bytes = model.SerializeToString()
    return serialised
