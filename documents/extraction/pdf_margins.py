"""What stands around the text of a page: running heads, page numbers, notes at a column's foot."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set

from documents.extraction.lines import Line, Page
from documents.extraction.numerals import of_roman

Place = tuple[int, str]  # a page's number, and a line there, in small letters
Number = tuple[str, int, int]  # a line without its numbers, which of them, how far its page is on
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
    tops = {page.number: top for page in pages if (top := _top(page)) is not None}
    heads = _heads(tops, len(pages))
    for page in pages:
        kept = [line for line in page.lines if not _is_left_out(line, page, running, ahead)]
        if page.number in heads:
            kept = [line for line in kept if line is not tops[page.number]]
        dropped += len(page.lines) - len(kept)
        page.lines = kept
    return dropped


def _is_left_out(line: Line, page: Page, running: Set[Place], ahead: int | None) -> bool:
    if not _in_margin(line, page):
        return False
    numbered = _is_number(line) or ahead in list(_ahead(line, page.number))
    return numbered or _place(line, page) in running


def _in_margin(line: Line, page: Page) -> bool:
    return not page.height * _MARGIN < line.base < page.height * (1 - _MARGIN)


def _running_lines(pages: Sequence[Page]) -> set[Place]:
    """Lines in the margins that, but for what counts the pages, stand on at least three of them."""
    lines = {_place(line, page) for page in pages for line in page.lines if _in_margin(line, page)}
    counting = _counting(lines)
    keys = {line: _masked(line, counting) for line in lines}
    counts = Counter(key for key, _ in {(key, page) for (page, _), key in keys.items()})
    return {line for line, key in keys.items() if counts[key] >= _FEWEST}


def _place(line: Line, page: Page) -> Place:
    return page.number, line.text.lower()


def _counting(lines: Iterable[Place]) -> set[Number]:
    """The numbers that grow with the pages. Any other one is what tells a line from the others: the
    number of an invoice, say."""
    counts = Counter(number for line in lines for number in _numbers(line))
    return {number for number, count in counts.items() if count >= _FEWEST}


def _numbers(line: Place) -> list[Number]:
    page, text = line
    key = _DIGITS.sub("#", text)
    return [(key, at, page - _value(n)) for at, n in enumerate(_DIGITS.findall(text))]


def _value(digits: str) -> int:
    return int(digits[-9:]) if digits.isdecimal() else of_roman(digits)


def _masked(line: Place, counting: Set[Number]) -> str:
    numbers = iter(_numbers(line))
    return _DIGITS.sub(lambda n: "#" if next(numbers) in counting else n[0], line[1])


def _top(page: Page) -> Line | None:
    """The first line of a page that has a text below it."""
    if len(page.lines) < _FEW_LINES:
        return None
    inside = (line for line in page.lines if line.base < page.height)
    return max(inside, key=lambda line: line.base, default=None)


def _heads(tops: dict[int, Line], pages: int) -> set[int]:
    """The pages that begin with what many begin with, at one height and but for the page's number,
    though that is below the margin: the sheets may be larger than what is printed on them."""
    numbers = Counter(n for page, top in tops.items() for n in _ahead(top, page))
    ahead = numbers.most_common(1)[0][0] if numbers else None
    places = {page: (_unnumbered(top, page, ahead), round(top.base)) for page, top in tops.items()}
    counts = Counter(places.values())
    fewest = max(_FEWEST, pages * _OFTEN)
    return {page for page, place in places.items() if counts[place] >= fewest}


def _unnumbered(line: Line, page: int, ahead: int | None) -> str:
    """The text of a line without the page's number. Other numbers are what tells it from others."""
    return _FIRST_OR_LAST.sub(lambda n: "" if page - int(n[0]) == ahead else n[0], line.text)


def _is_number(line: Line) -> bool:
    """Of a page, by itself."""
    key = _DIGITS.sub("#", line.text.lower())
    return key.strip(" -–—|.") == "#" and len(line.text) < 10


def _numbers_ahead(pages: Sequence[Page]) -> int | None:
    """By how much the pages' printed numbers, beside running heads, are behind the count."""
    counts = Counter(
        ahead
        for page in pages
        for line in page.lines
        if _in_margin(line, page)
        for ahead in _ahead(line, page.number)
    )
    ahead, count = counts.most_common(1)[0] if counts else (None, 0)
    return ahead if count >= _FEWEST else None


def _ahead(line: Line, page: int) -> Iterator[int]:
    """How far the page is ahead of the numbers that the line begins and ends with."""
    for first, last in _FIRST_OR_LAST.findall(line.text):
        yield page - int(first or last)


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
