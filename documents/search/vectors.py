"""Vectors of questions, cached per process and owner, to whom they are charged."""

from functools import lru_cache

import numpy as np
from django.conf import settings

from documents import usage
from documents.embeddings.client import Vector, embed_query
from documents.models import EmbeddingSpace

KEPT = 2_000


class _Kept:
    vector: Vector | None = None


def question_vector(text: str, space: EmbeddingSpace, *, owner_id: int) -> Vector:
    """The vector of a question, of length 1. Raises an `Embedding…` error if it can't be had."""
    # Usage must not reveal that somebody else asked the same question.
    asker = None if settings.EMBEDDING_REUSE_ACROSS_OWNERS else owner_id
    kept = _kept(space.pk, space.url, text, asker)
    if kept.vector is None:
        vector = _asked(text, space, owner_id)
        kept.vector = vector / np.linalg.norm(vector)
    return kept.vector


def forget() -> None:
    """Empty the cache."""
    _kept.cache_clear()


@lru_cache(maxsize=KEPT)
def _kept(_space: int, _endpoint: str, _text: str, _asker: int | None) -> _Kept:
    return _Kept()


def _asked(text: str, space: EmbeddingSpace, owner_id: int) -> Vector:
    tokens: list[int] = []
    try:
        return embed_query(text, space=space, spent=tokens.append)
    finally:
        if tokens:
            usage.add(owner_id, tokens=sum(tokens), requests=len(tokens))
