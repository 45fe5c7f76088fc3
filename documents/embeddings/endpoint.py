"""One request to the embedding endpoint, by OpenAI's protocol. The answer is not trusted.

A separate module because `openai` takes long to import and few processes embed anything.
"""

import json
import math
from base64 import b64decode
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpx2
import numpy as np
import openai
import structlog
from numpy.typing import NDArray

from documents.embeddings.transport import AnswerPacked, AnswerTooLarge, allowed, limit
from documents.exceptions import (
    EmbeddingInvalid,
    EmbeddingModelUnknown,
    EmbeddingOfOtherSize,
    EmbeddingRateLimited,
    EmbeddingRefused,
    EmbeddingRejected,
    EmbeddingUnavailable,
    EmbeddingUnreadable,
)
from documents.extraction.tokens import estimate_tokens
from documents.models import EmbeddingSpace
from tasks.exceptions import StepError

log = structlog.get_logger(__name__)
Vectors = NDArray[np.float32]  # a row for each text
CONNECT_SECONDS = 3
LONGEST_WAIT_SECONDS = 3600  # cap on any Retry-After
MOST_DIMENSIONS = 4000  # accepted where the space has ANY_DIMENSIONS
ANSWER_BYTES, TEXT_BYTES, NUMBER_BYTES = 65_536, 1024, 40  # upper bounds of an answer in JSON
MOST_TOKENS_PER_CHARACTER, OWN_TOKENS = 4, 16  # a token per byte of UTF-8, and special tokens
SQUARED_LENGTH = (1e-12, 1e12)  # outside, Postgres' four-byte floats can't normalise the vector


def request(
    space: EmbeddingSpace,
    model: str,
    texts: Sequence[str],
    *,
    seconds: float,
    should_stop: Callable[[], bool],
    spent: Callable[[int], object] = lambda tokens: None,
) -> Vectors:
    """One validated vector per text, in order, within `seconds`. `model` is one of the space's.

    `spent` is called with the tokens used.
    Raises an `Embedding…` error, or Fenced soon after `should_stop` returns True.
    """
    dimensions = space.dimensions or MOST_DIMENSIONS
    size = ANSWER_BYTES + len(texts) * (TEXT_BYTES + NUMBER_BYTES * dimensions)
    try:
        with allowed(seconds=seconds, size=size, should_stop=should_stop):
            # Raw: the library would make a list of Python floats and validate each.
            answer = client(space.url, space.key).embeddings.with_raw_response.create(
                model=model, input=list(texts), encoding_format="base64"
            )
        return _counted(json.loads(answer.content), space.dimensions, texts, spent)
    except openai.APIError as error:
        raise _translate(error) from error
    except UnicodeEncodeError as error:  # a lone surrogate
        raise EmbeddingRefused from error
    except (AnswerPacked, AnswerTooLarge) as error:
        raise EmbeddingUnreadable from error
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise EmbeddingUnreadable from error  # not the JSON that we expect


@cache
def client(url: str, key: str) -> openai.OpenAI:
    """One client per process and endpoint; its connections are kept alive."""
    http = openai.DefaultHttpxClient(timeout=httpx2.Timeout(None, connect=CONNECT_SECONDS))
    limit(http)
    return openai.OpenAI(
        base_url=url,
        api_key=key or "none",
        max_retries=0,  # we retry ourselves: the library would obey any Retry-After, however long
        http_client=http,
    )


def _translate(error: openai.APIError) -> StepError:
    status = getattr(error, "status_code", None)
    log.warning("embedding_failed", error=type(error).__name__, status=status)
    match error:
        case openai.APIResponseValidationError():
            return EmbeddingUnreadable()
        case openai.APIStatusError():
            return _of_status(error)
    return EmbeddingUnavailable()


def _of_status(error: openai.APIStatusError) -> StepError:
    match error.status_code:
        case 401 | 402 | 403:
            return EmbeddingRejected()
        case 404:
            return EmbeddingModelUnknown()
        case 429:
            return EmbeddingRateLimited(retry_after=_retry_after(error.response.headers))
        case status if status >= 500 or status in (408, 409):
            return EmbeddingUnavailable(retry_after=_retry_after(error.response.headers))
    return EmbeddingRefused()


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Seconds, at most an hour; None if there is no usable Retry-After."""
    seconds = _seconds(headers.get("retry-after", ""), headers)
    if not 0 < seconds < math.inf:
        return None
    return min(seconds, LONGEST_WAIT_SECONDS)


def _seconds(value: str, headers: httpx2.Headers) -> float:
    with suppress(ValueError):
        return float(value)
    then = _date(value)
    now = _date(headers.get("date", "")) or datetime.now(UTC)  # the endpoint's clock, if sent
    return (then - now).total_seconds() if then else 0


def _date(value: str) -> datetime | None:
    try:
        return parsedate_to_datetime(value).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _counted(
    answer: Any, dimensions: int, texts: Sequence[str], spent: Callable[[int], object]
) -> Vectors:
    vectors = _checked(answer, len(texts), dimensions)
    spent(_tokens(answer, texts))
    return vectors


def _tokens(answer: Any, texts: Sequence[str]) -> int:
    """The endpoint's own count if it is plausible, else our estimate."""
    usage = answer.get("usage") or {}
    told = usage.get("total_tokens") or usage.get("prompt_tokens")
    most = sum(map(len, texts)) * MOST_TOKENS_PER_CHARACTER + len(texts) * OWN_TOKENS
    if isinstance(told, int) and 0 < told <= most:
        return told
    return sum(map(estimate_tokens, texts))


def _checked(answer: Any, count: int, dimensions: int) -> Vectors:
    """The vectors in the order of the texts. Raises EmbeddingInvalid: servers are known to send
    too few, too many, reordered, wrongly sized, zero and non-finite ones."""
    if len(answer["data"]) != count:
        raise EmbeddingInvalid
    rows = sorted(answer["data"], key=lambda row: row["index"])
    if [row["index"] for row in rows] != list(range(count)):
        raise EmbeddingInvalid
    vectors = np.stack([_decoded(row["embedding"], dimensions) for row in rows])
    least, most = SQUARED_LENGTH
    squared = np.square(vectors, dtype=np.float64).sum(axis=1)
    if not np.all((least < squared) & (squared < most)):  # NaN is neither
        raise EmbeddingInvalid
    return vectors


def _decoded(sent: object, dimensions: int) -> Vectors:
    """One vector: four-byte floats in base64, as we ask for, or JSON numbers, as some servers send
    regardless."""
    if isinstance(sent, str):
        vector = np.frombuffer(b64decode(sent, validate=True), "<f4")
    else:
        vector = np.array(sent)
    if vector.dtype.kind not in "fiu":  # strings among the numbers, or numbers too large
        raise EmbeddingUnreadable
    if vector.shape != (dimensions or vector.size,):
        raise EmbeddingOfOtherSize(sent=vector.size, expected=dimensions)
    with np.errstate(over="ignore"):  # becomes infinite, which is refused later
        return vector.astype(np.float32)
