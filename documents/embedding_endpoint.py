"""One request to the embedding endpoint: OpenAI's protocol, one answer shape, nothing trusted.

A module of its own because `openai` takes long to import and few processes ever embed.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import httpx2
import openai
import structlog
from django.conf import settings
from openai.types import CreateEmbeddingResponse

from documents.exceptions import (
    EmbeddingInvalid,
    EmbeddingModelUnknown,
    EmbeddingRateLimited,
    EmbeddingRefused,
    EmbeddingRejected,
    EmbeddingUnavailable,
)
from tasks.exceptions import StepError

log = structlog.get_logger(__name__)
Vector = list[float]


def request(model: str, texts: Sequence[str]) -> list[Vector]:
    """One vector per text, in order, checked. Raises an `Embedding…` error."""
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
