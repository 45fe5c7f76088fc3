"""Vectors for texts: which model, how often to try. The endpoint itself is embedding_endpoint."""

from collections.abc import Sequence
from importlib import import_module

from django.conf import settings
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from documents.exceptions import EmbeddingRateLimited, EmbeddingUnavailable
from tasks.exceptions import TransientStepError

Vector = list[float]
TRIES = 4


def embed_passages(texts: Sequence[str]) -> list[Vector]:
    """One vector of EMBEDDING_DIMENSIONS finite floats per text, in order. Retries what may pass.

    Raises an `Embedding…` error of documents.exceptions.
    """
    return _with_retries(settings.EMBEDDING_PASSAGE_MODEL, texts, tries=TRIES)


def embed_query(text: str) -> Vector:
    """The vector of a question. A person waits, so it is tried only twice."""
    return _with_retries(settings.EMBEDDING_QUERY_MODEL, [text], tries=2)[0]


def warm_up() -> None:
    """Import the client now rather than with the first text."""
    import_module("documents.embedding_endpoint")


def _with_retries(model: str, texts: Sequence[str], *, tries: int) -> list[Vector]:
    endpoint = import_module("documents.embedding_endpoint")
    for attempt in Retrying(
        retry=retry_if_exception(_worth_another_try),
        wait=wait_random_exponential(multiplier=0.5, max=8),
        stop=stop_after_attempt(tries),
        reraise=True,
    ):
        with attempt:
            vectors: list[Vector] = endpoint.request(model, texts)
            return vectors
    raise EmbeddingUnavailable  # not reached: `reraise` raises the last error


def _worth_another_try(error: BaseException) -> bool:
    if isinstance(error, EmbeddingRateLimited):
        return False  # the endpoint said when; the task waits, not the worker
    return isinstance(error, TransientStepError)
