"""A child's results: cut into small messages on one side and put together on the other.

The worker holds the text once and never a large message: the child is not trusted.
"""

import logging
import signal
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from documents import exceptions
from documents.exceptions import (
    DocumentError,
    ReaderCrashed,
    ReaderLost,
    ReaderOutOfMemory,
    ReaderTimeout,
)
from documents.extraction.elements import Element, Extracted, Passage
from documents.limits import Limits

logger = logging.getLogger(__name__)

Message = dict[str, Any]
Item = TypeVar("Item")

_CHARS, _ITEMS = 100_000, 1_000  # per message


def told_reading(extracted: Extracted) -> Iterator[Message]:
    """Messages for a `Gathered`; the last one is the `result`."""
    for at in range(0, len(extracted.text), _CHARS):
        yield {"text": extracted.text[at : at + _CHARS]}
    for some in _some(extracted.elements):
        yield {"elements": [(e.kind, e.start, e.end, e.page, e.level, e.header) for e in some]}
    named = ("pages", "language", "details")
    yield {"result": {name: getattr(extracted, name) for name in named}}


def told_passages(passages: Sequence[Passage]) -> Iterator[Message]:
    for some in _some(passages):
        yield {
            "passages": [
                (p.index, p.start, p.end, p.page_start, p.page_end, p.headings, p.context)
                for p in some
            ]
        }
    yield {"result": {}}


def _some(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[at : at + _ITEMS] for at in range(0, len(items), _ITEMS))


class Gathered:
    """Collects messages. Strings that repeat, such as headings, are stored once."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._texts: list[str] = []
        self._chars = 0
        self._strings: dict[str, str] = {}
        self._elements: list[Element] = []
        self.passages: list[Passage] = []

    def take(self, message: Message) -> None:
        """Raises ReaderCrashed if the child sends more than the limits allow."""
        text = message.get("text", "")
        self._texts.append(text)
        self._chars += len(text)
        self._elements.extend(map(self._element, message.get("elements", ())))
        self.passages.extend(map(self._passage, message.get("passages", ())))
        items = max(len(self._elements), len(self.passages))
        if self._chars > self._limits.max_chars or items > self._limits.max_elements:
            raise ReaderCrashed

    def extracted(self, result: Message) -> Extracted:
        text = "".join(self._texts)
        return Extracted(text=text, elements=tuple(self._elements), **result)

    def _element(self, fields: list[Any]) -> Element:
        kind, start, end, page, level, header = fields
        return Element(self._once(kind), start, end, page, level, self._once(header))  # type: ignore[arg-type]

    def _passage(self, fields: list[Any]) -> Passage:
        index, start, end, page_start, page_end, headings, context = fields
        return Passage(
            index=index,
            start=start,
            end=end,
            page_start=page_start,
            page_end=page_end,
            headings=tuple(map(self._once, headings)),
            context=self._once(context),
        )

    def _once(self, text: str) -> str:
        return self._strings.setdefault(text, text)


def death_of(ended: dict[str, int], limits: Limits) -> DocumentError | ReaderLost:
    """The error for a child that ended without a result."""
    if not ended:
        return ReaderLost()
    code, peak = ended["exit"], ended["peak"]
    logger.warning("A reader ended without an answer: exit %s, peak %s bytes", code, peak)
    if code == -signal.SIGXCPU:
        return ReaderTimeout(seconds=limits.seconds)
    # C libraries abort when an allocation fails; a SIGKILL that is not ours is the OOM killer's.
    if code == -signal.SIGKILL or ended["refused"] or peak > limits.memory_bytes // 2:
        return ReaderOutOfMemory()
    return ReaderCrashed()


def error_of(answer: Message) -> DocumentError:
    """The error that a child reported."""
    if "traceback" in answer:
        logger.error("A reader failed unexpectedly:\n%s", answer["traceback"])
    kind = getattr(exceptions, str(answer["error"]), None)
    if not (isinstance(kind, type) and issubclass(kind, DocumentError)):
        return ReaderCrashed()
    return kind(str(answer["message"]))
