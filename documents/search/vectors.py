"""The vectors of questions: asked for once by each process, and counted for who asked first."""

from functools import lru_cache

from django.conf import settings

from documents import usage
from documents.embeddings import Vector, embed_query

KEPT = 2_000


class _Kept:
    vector: Vector | None = None


def question_vector(text: str, *, owner_id: int) -> Vector:
    """The vector of a question. Raises an `Embedding…` error when it can't be had."""
    kept = _kept(settings.EMBEDDING_BASE_URL, settings.EMBEDDING_QUERY_MODEL, text)
    if kept.vector is None:
        kept.vector = _asked(text, owner_id)
    return kept.vector


def forget() -> None:
    """Ask for every question's vector again."""
    _kept.cache_clear()


@lru_cache(maxsize=KEPT)
def _kept(_endpoint: str, _model: str, _text: str) -> _Kept:
    return _Kept()


def _asked(text: str, owner_id: int) -> Vector:
    tokens: list[int] = []
    try:
        return embed_query(text, spent=tokens.append)
    finally:
        if tokens:
            usage.add(owner_id, tokens=sum(tokens), requests=len(tokens))
