"""Streams the answer of a chat endpoint, any that speaks OpenAI's protocol."""

from codecs import getincrementaldecoder
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import openai
import structlog
from django.conf import settings

from documents.exceptions import (
    ChatCutOff,
    ChatError,
    ChatRateLimited,
    ChatRejected,
    ChatTimeout,
    ChatUnavailable,
    ChatUnreadable,
)

log = structlog.get_logger(__name__)
CONNECT_SECONDS = 3
_FAILURES = (
    openai.APIError, httpx2.HTTPError, OSError,
    LookupError, TypeError, ValueError, AttributeError,  # a malformed answer
)  # fmt: skip
_UTF16 = getincrementaldecoder("utf-16-le")
_NOT_COMPLETE = ("", "length", "content_filter")  # finish reasons; "": the connection ended


def is_configured() -> bool:
    """Whether a chat model is set up."""
    return bool(settings.CHAT_BASE_URL and settings.CHAT_MODEL)


async def pieces(messages: list[Any]) -> AsyncIterator[str]:
    """The answer's text as it comes. Raises a ChatError, also when it ends before it is complete.

    Leaving the iterator ends the request.
    """
    begun, ended, halves = False, "", _Halves()
    try:
        async with _client() as client, await _begun(client, messages) as stream:
            async for chunk in stream:
                for choice in chunk.choices or ():
                    begun, ended = True, choice.finish_reason or ended
                    if choice.delta and choice.delta.content:
                        yield halves.joined(choice.delta.content)
            if begun and ended in _NOT_COMPLETE:
                raise ChatCutOff
    except _FAILURES as error:
        if ended in _NOT_COMPLETE:  # an error after the end does no harm
            raise _translated(error, begun=begun) from error


class _Halves:
    """Joins the halves of surrogate pairs, which some endpoints send in separate pieces. A half
    on its own becomes U+FFFD; one at the very end is dropped.
    """

    def __init__(self) -> None:
        self._decoder = _UTF16("replace")

    def joined(self, piece: str) -> str:
        return self._decoder.decode(piece.encode("utf-16-le", "surrogatepass"))


def _client() -> openai.AsyncOpenAI:
    """One client per request, because its connections belong to an event loop."""
    seconds = settings.CHAT_TIMEOUT_SECONDS
    return openai.AsyncOpenAI(
        base_url=settings.CHAT_BASE_URL,
        api_key=settings.CHAT_API_KEY or "none",
        max_retries=0,  # a person waits: better an error than a delay
        timeout=httpx2.Timeout(seconds, connect=CONNECT_SECONDS),
    )


async def _begun(client: openai.AsyncOpenAI, messages: list[Any]) -> Any:
    return await client.chat.completions.create(
        model=settings.CHAT_MODEL,
        messages=messages,
        max_tokens=settings.CHAT_MAX_TOKENS,
        temperature=0,
        stream=True,
    )


def _translated(error: Exception, *, begun: bool) -> ChatError:
    status = getattr(error, "status_code", None)
    log.warning("chat_failed", error=type(error).__name__, status=status)
    match error, status:
        case ((openai.APITimeoutError() | httpx2.TimeoutException()), _):
            return ChatTimeout()
        case ((openai.APIError() | httpx2.HTTPError() | OSError()), _) if begun:
            return ChatCutOff()
        case _, 401 | 402 | 403 | 404:
            return ChatRejected()
        case _, 429:
            return ChatRateLimited()
        case _, int() if 400 <= status < 500:
            return ChatRejected()
        case ((openai.APIConnectionError() | openai.APIStatusError()), _):
            return ChatUnavailable()
        case ((httpx2.HTTPError() | OSError()), _):
            return ChatUnavailable()
    return ChatUnreadable()
