"""What surrounds a page's text: running heads, page numbers, footnotes."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set

from documents.extraction.lines import Line, Page, cells_of, usual_size
from documents.extraction.numerals import of_roman
from documents.extraction.pdf import page_numbers

Place = tuple[int, str]  # page number, and a line there, in lower case
Number = tuple[str, int, int]  # a line without numbers, which of them, how far ahead its page is
_MARGIN = 0.1  # share of the page's height, at either end, that may hold running heads
_FEWEST = 3  # pages needed to establish a running head …
_NEAR = 2  # … each with another within this many pages: left and right pages may differ
_FEW_LINES = 5  # of a slide, whose first line is its title
_OFTEN = 0.4  # … and the share of all such lines that must be outside the margins …
_OFTEN_LARGE = 0.6  # … or of those in large type
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")
_LARGER = 1.12  # times body text, for headings
_SMALLER = 0.95  # times body text, for notes
_GAP_ABOVE_NOTES = 1.5  # in font sizes
_GAP_BELOW_NAMES = 2.2  # in font sizes; below column names
_ALIGNED = 2.0  # points
_SENTENCE_END = re.compile(r"[.!?:。！？：][\"'”’)\]]*$")


def drop_running_lines(pages: Sequence[Page]) -> int:
    """Remove running heads and page numbers from the pages; returns how many.

    If there is nothing else, the first page that has any keeps them.
    """
    every = [page.lines for page in pages]
    kept = [_without(page, dropped) for page, dropped in zip(pages, _dropped(pages), strict=True)]
    if not any(kept) and any(every):
        first = next(at for at, lines in enumerate(every) if lines)
        kept[first] = every[first]
    for page, lines in zip(pages, kept, strict=True):
        page.lines = lines
    return sum(map(len, every)) - sum(map(len, kept))


def _without(page: Page, dropped: Iterable[Line]) -> list[Line]:
    gone = set(map(id, dropped))
    return [line for line in page.lines if id(line) not in gone]


def _dropped(pages: Sequence[Page]) -> Iterator[list[Line]]:
    """The lines to leave out of each page."""
    running, heads = _running_lines(pages), _heads(pages)
    numbers = page_numbers.PageNumbers([(page, _margin(page)) for page in pages])
    for page in pages:
        left_out = _running_on(page, running)
        left_out += numbers.of(page, _margin(page), left_out)
        left_out += heads.get(page.number, [])
        yield _without_names_of_columns(left_out, page)


def _running_on(page: Page, running: Set[Place]) -> list[Line]:
    lines = [line for line in _margin(page) if _place(line, page) in running]
    return [line for line in lines if not page_numbers.is_cell(line, page, lines)]


def _margin(page: Page) -> list[Line]:
    low, high = page.height * _MARGIN, page.height * (1 - _MARGIN)
    return [line for line in page.lines if not low < line.base < high]


def _without_names_of_columns(lines: Sequence[Line], page: Page) -> list[Line]:
    left_out = set(map(id, lines))
    kept = [line for line in page.lines if id(line) not in left_out]
    return [line for line in lines if not _names_columns(line, lines, kept)]


def _names_columns(line: Line, left_out: Iterable[Line], kept: Sequence[Line]) -> bool:
    """Whether the line belongs to a row that would be left out entirely but whose cells are above
    those of the next, kept row: the header of a continued table."""
    names = [cell for each in left_out if _is_beside(each, line) for cell in cells_of(each)]
    if len(names) < 2 or any(_is_beside(each, line) for each in kept):
        return False
    lowest = line.base - line.size * _GAP_BELOW_NAMES
    cells = [cell for each in kept if lowest < each.base < line.base for cell in cells_of(each)]
    lefts = sum(any(abs(c.left - name.left) < _ALIGNED for c in cells) for name in names)
    rights = sum(any(abs(c.right - name.right) < _ALIGNED for c in cells) for name in names)
    return max(lefts, rights) > 1 or lefts + rights > 2


def _is_beside(line: Line, other: Line) -> bool:
    return abs(line.base - other.base) < other.size * 0.4


def _running_lines(pages: Sequence[Page]) -> set[Place]:
    """Lines in the margins that recur, apart from page numbers, on at least three pages near each
    other. Larger ones, which may be headings, must recur more often."""
    margins = [(page, line) for page in pages for line in _margin(page)]
    largest = _LARGER * usual_size(line for page in pages for line in page.lines)
    large = {_place(line, page) for page, line in margins if line.size > largest}
    lines = {_place(line, page) for page, line in margins}
    counting = _counting(lines)
    on: dict[str, set[int]] = {}
    keys = {line: _masked(line, counting) for line in lines}
    for (page, _), key in keys.items():
        on.setdefault(key, set()).add(page)
    many = len(pages) * _OFTEN_LARGE
    return {
        line
        for line, key in keys.items()
        if _near_others(on[key]) >= _FEWEST and (line not in large or len(on[key]) >= many)
    }


def _near_others(pages: Set[int]) -> int:
    near = range(1, _NEAR + 1)
    return sum(any(page + n in pages or page - n in pages for n in near) for page in pages)


def _place(line: Line, page: Page) -> Place:
    return page.number, line.text.lower()


def _counting(lines: Iterable[Place]) -> set[Number]:
    """The numbers that grow with the pages. Other numbers distinguish lines: an invoice number,
    say."""
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
    """The first line of a page that has text below it."""
    if len(page.lines) < _FEW_LINES:
        return None
    inside = (line for line in page.lines if line.base < page.height)
    return max(inside, key=lambda line: line.base, default=None)


def _heads(pages: Sequence[Page]) -> dict[int, list[Line]]:
    """First lines that recur on many pages at the same height, apart from the page number, though
    below the margin: the sheet may be larger than the printed area."""
    tops = {page.number: top for page in pages if (top := _top(page)) is not None}
    numbers = Counter(
        n for page, top in tops.items() for n in page_numbers.ahead_of_ends(top, page)
    )
    ahead = numbers.most_common(1)[0][0] if numbers else None
    places = {page: (_unnumbered(top, page, ahead), round(top.base)) for page, top in tops.items()}
    counts = Counter(places.values())
    fewest = max(_FEWEST, len(pages) * _OFTEN)
    return {page: [tops[page]] for page, place in places.items() if counts[place] >= fewest}


def _unnumbered(line: Line, page: int, ahead: int | None) -> str:
    """The text of a line without the page number. Other numbers distinguish it from other lines."""
    return page_numbers.FIRST_OR_LAST.sub(
        lambda n: "" if page - int(n[0]) == ahead else n[0], line.text
    )


def notes_last(lines: Sequence[Line], body: float) -> list[Line]:
    """The lines, with footnotes moved to the end if they interrupt a sentence that continues in the
    next column."""
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
    goes_on = after.text[0].isalpha() and not after.text[0].isupper()
    ended = _SENTENCE_END.search(before.text)
    return below and in_column and after.base > before.base and goes_on and not ended
