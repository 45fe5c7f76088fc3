"""Cuts elements that are too long for a passage: at sentences, rows, lines, at worst at words."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from documents.extraction.elements import Element, Kind
from documents.extraction.tokens import estimate_tokens

# Where a sentence begins: after an end mark and a blank (Latin, Greek, Cyrillic, Arabic, Indic),
# directly after an end mark (Chinese, Japanese), or on a new line.
_SENTENCE = re.compile(
    r"(?<![A-Z])(?<!\b[A-Z][a-z])(?<!\be\.g)(?<!\bi\.e)(?<!\bcf)(?<!\bFig)(?<!\bNo)(?<!\bvs)(?<!\betc)"
    r"[.!?؟।]+[\"'”’)\]»]*\s+(?=[^\s\da-z.,;)])"
    r"|[!?؟।]+[\"'”’)\]»]*\s+"
    r"|\.[\"'”’)\]»]*\s+(?=\d+[^\d.]|\()"
    r"|[。！？；…]+[”’」』）】》]*\s*"
    r"|\n+"
)
_LINE = re.compile(r"\n+")
_SOFT_BREAK = re.compile(r"[\s,;:、，；：)\]）】]")


@dataclass(frozen=True, slots=True)
class Piece:
    """What is never cut again: an element or a part of one."""

    kind: Kind
    start: int
    end: int
    tokens: int
    page: int | None
    header: str = ""  # of the table, where the piece does not begin with it
    continues: bool = False  # the element of the piece before


def pieces_of(text: str, element: Element, *, size: int, overlap: int) -> Iterator[Piece]:
    """The element as pieces of at most `size` tokens; later parts leave room for the overlap."""
    tokens = estimate_tokens(text[element.start : element.end])
    if tokens <= size:
        header = "" if text.startswith(element.header, element.start) else element.header
        yield Piece(element.kind, element.start, element.end, tokens, element.page, header)
        return
    room = size - min(overlap, size // 2)
    for start, end in _parts(text, element, room):
        tokens = estimate_tokens(text[start:end])
        header = "" if text.startswith(element.header, start) else element.header
        continues = start > element.start
        yield Piece(element.kind, start, end, tokens, element.page, header, continues)


def sentence_starts(text: str, start: int, end: int) -> Iterator[int]:
    """Where the sentences of a stretch of text begin, from its start on."""
    yield start
    for match in _SENTENCE.finditer(text, start, end):
        if match.end() < end:
            yield match.end()


def _parts(text: str, element: Element, room: int) -> Iterator[tuple[int, int]]:
    """Parts of about equal length, each ending where a sentence, row or line does."""
    units = [
        span
        for start, end in _units(text, element)
        for span in _short_enough(text, start, end, room)
    ]
    costs = [estimate_tokens(text[start:end]) for start, end in units]
    target = sum(costs) / math.ceil(sum(costs) / room)
    yield from _packed(text, units, costs, target, room)


def _units(text: str, element: Element) -> Iterator[tuple[int, int]]:
    if element.kind in {"table", "code"}:
        ends = [match.end() for match in _LINE.finditer(text, element.start, element.end)]
        starts = [element.start, *ends]
    else:
        starts = list(sentence_starts(text, element.start, element.end))
    yield from zip(starts, [*starts[1:], element.end], strict=True)


def _short_enough(text: str, start: int, end: int, room: int) -> Iterator[tuple[int, int]]:
    """A unit as it is, or cut between words when it alone is too long."""
    tokens = estimate_tokens(text[start:end])
    while tokens > room:
        longest = max(1, (end - start) * room // tokens)
        cut = _soft_cut(text, start, start + longest)
        yield start, cut
        start = cut
        tokens = estimate_tokens(text[start:end])
    if start < end:
        yield start, end


def _soft_cut(text: str, start: int, limit: int) -> int:
    """The last place before the limit after which a cut does no harm, or the limit."""
    for at in range(limit, start + (limit - start) * 2 // 3, -1):
        if _SOFT_BREAK.match(text, at - 1):
            return at
    return limit


def _packed(
    text: str, units: Sequence[tuple[int, int]], costs: Sequence[int], target: float, room: int
) -> Iterator[tuple[int, int]]:
    start, end = units[0]
    spent = 0
    for (unit_start, unit_end), cost in zip(units, costs, strict=True):
        if spent and (spent + cost > room or spent + cost / 2 > target):
            yield start, _trimmed(text, start, end)
            start, spent = unit_start, 0
        end, spent = unit_end, spent + cost
    yield start, _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> int:
    return start + len(text[start:end].rstrip())
