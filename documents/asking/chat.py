"""Streams the answer of a chat endpoint, any that speaks OpenAI's protocol."""

from codecs import getincrementaldecoder
from collections.abc import AsyncGenerator
from functools import partial
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


async def pieces(messages: list[Any]) -> AsyncGenerator[str, None]:
    """The answer's text as it comes. Raises a ChatError, also when it ends before it is complete.

    Leaving the iterator ends the request.
    """
    begun, ended, halves, thoughts = False, "", _Halves(), _Thoughts()
    try:
        async with _client() as client, await _begun(client, messages) as stream:
            async for chunk in stream:
                for choice in chunk.choices or ():
                    begun, ended = True, choice.finish_reason or ended
                    said = (choice.delta and choice.delta.content) or ""
                    if text := thoughts.left_out(halves.joined(said)):
                        yield text
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


class _Thoughts:
    """Leaves out the `<think>…</think>` with which reasoning models begin."""

    _OPEN, _CLOSE = "<think>", "</think>"

    def __init__(self) -> None:
        self._held, self._over = "", False

    def left_out(self, piece: str) -> str:
        """What belongs to the answer as far as can be told by now."""
        if self._over:
            return piece
        self._held = (self._held + piece).lstrip()
        if self._held.startswith(self._OPEN):
            thought, closed, rest = self._held[len(self._OPEN) :].partition(self._CLOSE)
            last = thought[-len(self._CLOSE) :]  # it may end with a part of the mark
            self._held = rest.lstrip() if closed else self._OPEN + last
        self._over = not (self._held.startswith(self._OPEN) or self._OPEN.startswith(self._held))
        return self._held if self._over else ""


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
    most = settings.CHAT_MAX_TOKENS
    ask = partial(
        client.chat.completions.create, model=settings.CHAT_MODEL, messages=messages, stream=True
    )
    try:
        return await ask(max_tokens=most, temperature=0)
    except openai.BadRequestError:  # as OpenAI's newer models answer to these two
        return await ask(max_completion_tokens=most)


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
