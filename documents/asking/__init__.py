"""Answers a question from the owner's documents, with verified citations."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_noop

from documents.asking import chat, prompt
from documents.asking.followup import Turn
from documents.asking.markers import Citations
from documents.exceptions import ChatCutOff, ChatError, ChatTimeout, ChatUnreadable
from documents.search import Hit
from tasks import event_stream
from tasks.sentences import translated

KEEP_ALIVE_SECONDS = 15  # proxies close connections that are silent for a minute
MOST_CHARACTERS = 20_000  # of an answer
NOTHING_FOUND = gettext_noop("Nothing in your documents answers this.")
Event = tuple[str, dict[str, Any]]  # name and data; the name "" stands for a keep-alive


async def answer(
    question: str, sources: Sequence[Hit], history: Sequence[Turn] = ()
) -> AsyncGenerator[Event, None]:
    """`text` and `citation` events as they come, then one of `done` or `error`.

    `history` is what was asked and answered before.
    Closing the iterator ends the request to the chat endpoint.
    """
    citations = Citations(len(sources))
    try:
        if not sources:
            yield "text", {"delta": translated(NOTHING_FOUND)}
        else:
            told = _told(prompt.messages(question, sources, history), citations)
            async with aclosing(told):  # not left to the garbage collector
                async for event in told:
                    yield event
    except ChatError as error:
        yield "error", {"code": error.code, "detail": translated(error.message)}
        return
    yield "done", {"citations": citations.used, "dropped": citations.dropped}


async def _told(messages: list[Any], citations: Citations) -> AsyncGenerator[Event, None]:
    said = 0
    async with aclosing(_patiently(chat.pieces(messages))) as pieces:
        async for piece in pieces:
            if piece is None:
                yield "", {}
                continue
            room, said = MOST_CHARACTERS - said, said + len(piece)
            for event in _events(citations, citations.take(piece[:room])):
                yield event
            if said > MOST_CHARACTERS:
                raise ChatCutOff
    for event in _events(citations, citations.end()):
        yield event
    if not said:
        raise ChatUnreadable


def _events(citations: Citations, texts: Iterator[str]) -> Iterator[Event]:
    """The text, and a citation event at each source's first use."""
    before = len(citations.used)
    for text in texts:
        if text:
            yield "text", {"delta": text}
    for number in citations.used[before:]:
        yield "citation", {"number": number}


async def _patiently(pieces: AsyncIterator[str]) -> AsyncGenerator[str | None, None]:
    """The pieces, and None after KEEP_ALIVE_SECONDS without any. Raises ChatTimeout."""
    ends_at = time.monotonic() + settings.CHAT_TIMEOUT_SECONDS
    waiting: asyncio.Task[str | None] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(_next(pieces))
            left = ends_at - time.monotonic()
            done, _ = await asyncio.wait({waiting}, timeout=max(0, min(KEEP_ALIVE_SECONDS, left)))
            if done:
                piece, waiting = waiting.result(), None
                if piece is None:
                    return
                yield piece
            elif left <= KEEP_ALIVE_SECONDS:
                raise ChatTimeout
            else:
                yield None
    finally:
        await _give_up(waiting, pieces)


async def _next(pieces: AsyncIterator[str]) -> str | None:
    return await anext(pieces, None)


async def _give_up(waiting: "asyncio.Task[str | None] | None", pieces: Any) -> None:
    if waiting:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await pieces.aclose()


def as_event(name: str, data: dict[str, Any]) -> str:
    """An event in the format of server-sent events."""
    if not name:
        return event_stream.comment("still thinking")
    return event_stream.event(json.dumps(data, ensure_ascii=False), event=name)
