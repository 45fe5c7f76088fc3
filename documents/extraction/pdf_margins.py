"""What stands around the text of a page: running heads, page numbers, notes at a column's foot."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

from documents.extraction.lines import Line, Page

_MARGIN = 0.1  # of the page's height, at either end, where running heads live
_FEWEST = 3  # pages that tell what runs …
_FEW_LINES = 5  # of a slide, whose first one is its title
_OFTEN = 0.4  # … and the share of all that do outside the margins: left and right may differ
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")
_FIRST_OR_LAST = re.compile(r"^(\d{1,4})(?=\s)|(?<=\s)(\d{1,4})$")
_SMALLER = 0.95  # of body text, for notes
_GAP_ABOVE_NOTES = 1.5  # sizes of the type
_SENTENCE_END = re.compile(r"[.!?:。！？：][\"'”’)\]]*$")


def drop_running_lines(pages: Sequence[Page]) -> int:
    """Take running heads and page numbers off the pages; how many there were."""
    running, ahead, dropped = _running_lines(pages), _numbers_ahead(pages), 0
    heads = _heads(pages)
    for page in pages:
        kept = [
            line
            for line in page.lines
            if not (
                _in_margin(line, page)
                and (_is_running(line, running) or ahead in list(_ahead(line, page)))
            )
        ]
        if (top := _top(page)) is not None and _place(top) in heads:
            kept = [line for line in kept if line is not top]
        dropped += len(page.lines) - len(kept)
        page.lines = kept
    return dropped


@lru_cache(1024)
def _key(text: str) -> str:
    return _DIGITS.sub("#", text.lower())


def _in_margin(line: Line, page: Page) -> bool:
    return not page.height * _MARGIN < line.base < page.height * (1 - _MARGIN)


def _running_lines(pages: Sequence[Page]) -> set[str]:
    """Lines that, but for their numbers, stand in the margins of at least three pages."""
    counts: Counter[str] = Counter()
    for page in pages:
        counts.update({_key(line.text) for line in page.lines if _in_margin(line, page)})
    return {key for key, count in counts.items() if count >= _FEWEST}


def _top(page: Page) -> Line | None:
    """The first line of a page that has a text below it."""
    if len(page.lines) < _FEW_LINES:
        return None
    inside = (line for line in page.lines if line.base < page.height)
    return max(inside, key=lambda line: line.base, default=None)


def _place(line: Line) -> tuple[str, int]:
    return _key(line.text), round(line.base)


def _heads(pages: Sequence[Page]) -> set[tuple[str, int]]:
    """The lines that, but for their numbers, many pages begin with at one height, though it lies
    below the margin: the pages may be larger than what is printed on them."""
    counts = Counter(_place(top) for page in pages if (top := _top(page)) is not None)
    fewest = max(_FEWEST, len(pages) * _OFTEN)
    return {place for place, count in counts.items() if count >= fewest}


def _is_running(line: Line, running: set[str]) -> bool:
    key = _key(line.text)
    return key in running or (key.strip(" -–—|.") == "#" and len(line.text) < 10)


def _numbers_ahead(pages: Sequence[Page]) -> int | None:
    """By how much the pages' printed numbers, beside running heads, are behind the count."""
    counts = Counter(
        ahead
        for page in pages
        for line in page.lines
        if _in_margin(line, page)
        for ahead in _ahead(line, page)
    )
    ahead, count = counts.most_common(1)[0] if counts else (None, 0)
    return ahead if count >= _FEWEST else None


def _ahead(line: Line, page: Page) -> Iterator[int]:
    """How far the page is ahead of the numbers that the line begins and ends with."""
    for first, last in _FIRST_OR_LAST.findall(line.text):
        yield page.number - int(first or last)


def notes_last(lines: Sequence[Line], body: float) -> list[Line]:
    """The lines, with small print at a column's foot moved to the end where it parts a sentence
    that goes on in the next column."""
    text, notes, foot = list[Line](), list[Line](), list[Line]()
    for line in lines:
        if line.size < body * _SMALLER and (foot or text):
            foot.append(line)
            continue
        if foot and _parts_a_sentence(text[-1], foot, line):
            notes += foot
        else:
            text += foot
        foot = []
        text.append(line)
    return text + foot + notes


def _parts_a_sentence(before: Line, foot: Sequence[Line], after: Line) -> bool:
    below = before.base - foot[0].base > before.size * _GAP_ABOVE_NOTES
    in_column = max(line.right for line in foot) < after.left > before.right
    goes_on = not _SENTENCE_END.search(before.text) and after.text[0].islower()
    return below and in_column and after.base > before.base and goes_on
