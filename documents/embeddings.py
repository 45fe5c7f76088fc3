"""The client of the embedding endpoint: OpenAI's protocol, one answer shape, nothing trusted."""

import math
from collections.abc import Sequence
from functools import lru_cache

import httpx2
import openai
import structlog
from django.conf import settings
from openai.types import CreateEmbeddingResponse
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from documents.exceptions import (
    EmbeddingInvalid,
    EmbeddingModelUnknown,
    EmbeddingRateLimited,
    EmbeddingRefused,
    EmbeddingRejected,
    EmbeddingUnavailable,
)
from tasks.exceptions import StepError, TransientStepError

log = structlog.get_logger(__name__)
Vector = list[float]
TRIES = 4
LONGEST_WAIT_SECONDS = 20  # a longer Retry-After parks the task and frees the worker


def embed_passages(texts: Sequence[str]) -> list[Vector]:
    """One vector of EMBEDDING_DIMENSIONS finite floats per text, in order. Retries what may pass.

    Raises an `Embedding…` error of documents.exceptions.
    """
    return _with_retries(settings.EMBEDDING_PASSAGE_MODEL, texts, tries=TRIES)


def embed_query(text: str) -> Vector:
    """The vector of a question. A person waits, so it is tried only twice."""
    return _with_retries(settings.EMBEDDING_QUERY_MODEL, [text], tries=2)[0]


def _with_retries(model: str, texts: Sequence[str], *, tries: int) -> list[Vector]:
    for attempt in Retrying(
        retry=retry_if_exception(_worth_another_try),
        wait=wait_random_exponential(multiplier=0.5, max=8),
        stop=stop_after_attempt(tries),
        reraise=True,
    ):
        with attempt:
            return _request(model, texts)
    raise EmbeddingUnavailable  # not reached: `reraise` raises the last error


def _worth_another_try(error: BaseException) -> bool:
    if isinstance(error, EmbeddingRateLimited):
        return False  # the endpoint said when; the task waits, not the worker
    return isinstance(error, TransientStepError)


def _request(model: str, texts: Sequence[str]) -> list[Vector]:
    try:
        answer = client().embeddings.create(model=model, input=list(texts))
    except openai.APIError as error:
        raise _translate(error) from error
    except (AttributeError, TypeError, ValueError) as error:  # an answer that is no answer
        raise EmbeddingInvalid from error
    return _checked(answer, len(texts))


@lru_cache(maxsize=1)
def client() -> openai.OpenAI:
    """One client per process; its connections are kept alive."""
    return openai.OpenAI(
        base_url=settings.EMBEDDING_BASE_URL,
        api_key=settings.OPENAI_API_KEY or "none",
        max_retries=0,  # ours, because the library obeys any Retry-After for as long as it says
        timeout=httpx2.Timeout(settings.EMBEDDING_TIMEOUT_SECONDS, connect=3),
    )


def _translate(error: openai.APIError) -> StepError:
    log.warning(
        "embedding_failed", error=type(error).__name__, status=getattr(error, "status_code", None)
    )
    match error:
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return EmbeddingRejected()
        case openai.NotFoundError():
            return EmbeddingModelUnknown()
        case openai.RateLimitError():
            return EmbeddingRateLimited(retry_after=_retry_after(error))
        case openai.APIStatusError() if error.status_code < 500 and error.status_code != 408:
            return EmbeddingRefused()
        case openai.APIResponseValidationError():
            return EmbeddingInvalid()
    return EmbeddingUnavailable()


def _retry_after(error: openai.APIStatusError) -> float | None:
    try:
        return max(0.0, float(error.response.headers["retry-after"]))
    except (KeyError, ValueError):
        return None


def _checked(answer: object, count: int) -> list[Vector]:
    """The vectors in the order of the texts, or EmbeddingInvalid: servers are known to send fewer,
    more, reordered, wrongly sized, zero and non-finite ones."""
    if not isinstance(answer, CreateEmbeddingResponse) or len(answer.data or []) != count:
        raise EmbeddingInvalid
    rows = sorted(answer.data, key=lambda row: row.index)
    if [row.index for row in rows] != list(range(count)):
        raise EmbeddingInvalid
    return [_checked_vector(row.embedding) for row in rows]


def _checked_vector(vector: Vector) -> Vector:
    if len(vector) != settings.EMBEDDING_DIMENSIONS:
        raise EmbeddingInvalid(
            f"The embedding service sent {len(vector)} dimensions instead of"
            f" {settings.EMBEDDING_DIMENSIONS}."
        )
    length = math.fsum(x * x for x in vector)
    if not math.isfinite(length) or length == 0:
        raise EmbeddingInvalid
    return vector
