"""Questions that follow others: what they refer to, for search and for the model."""

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from typing import Any, TypedDict

from django.conf import settings

from documents.asking import chat
from documents.exceptions import ChatError
from documents.extraction.tokens import estimate_tokens
from documents.search.question import LONGEST

RULES = """\
You rewrite the last question of a conversation so that it can be understood without the
conversation: put in the names and things that it refers to. Keep its language. If it can be
understood as it is, repeat it. Do not answer it; write the question alone."""
SECONDS = 20  # to wait for that
_SHARE = 3  # at most a third of the model's room is for what was said before
_MARKER = re.compile(r" ?\[\d{1,3}\]")


class Turn(TypedDict):
    """A question and its answer."""

    question: str
    answer: str


def recent(history: Sequence[Turn]) -> list[Turn]:
    """The last turns, as many as the model has room for, always the very last.

    Their citations are cut out: they number other passages than those of the next answer.
    """
    chosen: list[Turn] = []
    left = settings.CHAT_CONTEXT_TOKENS // _SHARE
    for turn in reversed(history):
        left -= size([turn])
        if left < 0 and chosen:
            break
        chosen.insert(0, {**turn, "answer": _MARKER.sub("", turn["answer"])})
    return chosen


def size(history: Sequence[Turn]) -> int:
    """Its estimated tokens."""
    return sum(estimate_tokens(turn["question"] + turn["answer"]) for turn in history)


def as_messages(history: Sequence[Turn]) -> Iterator[dict[str, str]]:
    """The turns as chat messages."""
    for turn in history:
        yield {"role": "user", "content": turn["question"]}
        yield {"role": "assistant", "content": turn["answer"]}


async def standalone(question: str, history: Sequence[Turn]) -> str:
    """The question as it can be searched for without the turns before it.

    The chat model writes it; if it can't, the question before is put in front.
    """
    if not history:
        return question
    try:
        written = await asyncio.wait_for(_rewritten(question, history), SECONDS)
    except (ChatError, TimeoutError):
        written = ""
    return written or f"{history[-1]['question']} {question}"[-LONGEST:]


async def _rewritten(question: str, history: Sequence[Turn]) -> str:
    told: list[Any] = [
        {"role": "system", "content": RULES},
        {"role": "user", "content": json.dumps(
            {"conversation": history, "last question": question}, ensure_ascii=False
        )},
    ]  # fmt: skip
    written = ""
    async with aclosing(chat.pieces(told)) as pieces:
        async for piece in pieces:
            written += piece
            if len(written) > LONGEST:
                return ""
    return written.strip()
