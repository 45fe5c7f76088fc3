"""Splits elements that are too long for a passage: at sentences, rows, lines, at worst between
words."""

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from documents.extraction.elements import Element, Kind
from documents.extraction.tokens import MOST_CHARS_PER_TOKEN, estimate_tokens

# Where a sentence begins: after an end mark and a blank (Latin, Greek, Cyrillic, Arabic), directly
# after an end mark (Chinese, Japanese, Indic, Khmer, Burmese, Ethiopic …), or on a new line. Each
# alternative starts with one character of one class, which makes the search fast.
_FEW = "{0,20}"  # end marks in a row; unbounded, the search would take quadratic time
_NOTE = "⁰¹²³⁴-⁹"  # footnote marks
_CLOSING = rf"[\"'”’)\]»{_NOTE}]*"
_BLANKED, _DIRECT = ".!?؟۔։", "。！？；…｡।॥።፧။។៕"
_SENTENCE_END = (
    rf"[\n{_BLANKED}{_DIRECT}](?:"
    rf"(?<=[{_BLANKED}])(?<![A-Z].)(?<!\b[A-Z][a-z].)(?<!\be\.g.)(?<!\bi\.e.)(?<!\bcf.)"
    rf"(?<!\bFig.)(?<!\bNo.)(?<!\bvs.)(?<!\betc.)[{_BLANKED}]{_FEW}{_CLOSING}\s+"
    rf"(?=[^\s\da-z.,;)])|(?<=[!?؟۔։])[!?؟۔։]{_FEW}{_CLOSING}\s+"
    rf"|(?<=\.){_CLOSING}\s+(?=\d+[^\d.]|\()"
    rf"|(?<=[{_DIRECT}])[{_DIRECT}]*[”’」』）】》{_NOTE}]*\s*"
    r"|(?<=\n)\n*"
    r")"
)
_SENTENCE = re.compile(_SENTENCE_END)
# Thai and Lao have no end mark: a blank ends a phrase, and words are not separated.
_THAI = re.compile("[\u0e00-\u0eff]")
_THAI_SENTENCE = re.compile(rf"{_SENTENCE_END}|(?<=[\u0e00-\u0eff]) +(?=[\u0e00-\u0eff])")
_LINE = re.compile(r"\n+")
_LAST_SOFT_BREAK = re.compile(r".*[\s,;:、，；：)\]）】]", re.DOTALL)
_WINDOW = math.ceil(MOST_CHARS_PER_TOKEN) + 1  # characters per token that certainly fill a part


@dataclass(frozen=True, slots=True)
class Piece:
    """What is never split further: an element or a part of one."""

    kind: Kind
    start: int
    end: int
    tokens: int
    page: int | None
    header: str = ""  # of the table, if the piece does not begin with it
    continues: bool = False  # the element of the piece before


def pieces_of(text: str, element: Element, *, size: int, overlap: int) -> Iterator[Piece]:
    """The element as pieces of at most `size` tokens; all but the first leave room for the
    overlap."""
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
    """Where the sentences of a stretch of text begin, including its start."""
    yield start
    pattern = _THAI_SENTENCE if _THAI.search(text, start, end) else _SENTENCE
    for match in pattern.finditer(text, start, end):
        if match.end() < end:
            yield match.end()


def _parts(text: str, element: Element, room: int) -> Iterator[tuple[int, int]]:
    """Parts of about equal length, each ending at the end of a sentence, row or line."""
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
    """A unit unchanged, or split between words if it is too long."""
    while (cut := _cut(text, start, end, room)) < end:
        yield start, cut
        start = cut
    yield start, end


def _cut(text: str, start: int, end: int, room: int) -> int:
    """Where `room` tokens end, or the last good place before that."""
    cut = min(end, start + room * _WINDOW)
    while (tokens := estimate_tokens(text[start:cut])) > room and cut > start + 1:
        cut = _soft_cut(text, start, start + max(1, (cut - start) * room // tokens))
    return cut


def _soft_cut(text: str, start: int, limit: int) -> int:
    """The last place before the limit where a split does no harm; otherwise the limit."""
    if found := _LAST_SOFT_BREAK.match(text, start + (limit - start) * 2 // 3, limit):
        return found.end()
    while limit > start + 1 and unicodedata.combining(text[limit]):
        limit -= 1
    return limit


def _packed(
    text: str, units: Sequence[tuple[int, int]], costs: Sequence[int], target: float, room: int
) -> Iterator[tuple[int, int]]:
    start, end = units[0]
    spent = 0
    for (unit_start, unit_end), cost in zip(units, costs, strict=True):
        if spent and (spent + cost > room or spent + cost / 2 > target):
            yield from _trimmed(text, start, end)
            start, spent = unit_start, 0
        end, spent = unit_end, spent + cost
    yield from _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The part without blanks at its ends, except a line's indent; nothing if it is all blank."""
    part = text[start:end].rstrip()
    if part.lstrip():
        at_line = start == 0 or text[start - 1] == "\n"
        yield start if at_line else start + len(part) - len(part.lstrip()), start + len(part)
