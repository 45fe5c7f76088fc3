"""Finds the page numbers among the lines in the margins."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from documents.extraction.lines import Line, Page, cells_of
from documents.extraction.numerals import of_roman

_BARE = re.compile(r"[ \-–—|.]{0,3}(\d{1,9}|[ivxlc]{1,7})[ \-–—|.]{0,3}", re.IGNORECASE)
FIRST_OR_LAST = re.compile(r"^(\d{1,4})(?=\s)|(?<=\s)(\d{1,4})$")
_FEWEST = 3  # pages needed to establish a numbering …
_FEWEST_OF_FEW, _FEW = 2, 4  # … or fewer in short documents, if only numbers are there
_STEP = 3  # points; heights that differ by no more count as equal


class Count(NamedTuple):
    """A numbering of pages: a printed number is `pages` times the sheet's own minus `ahead`."""

    pages: int
    ahead: int


Margin = tuple[Page, Sequence[Line]]
Place = tuple[Count, int]  # and its height


class PageNumbers:
    """The numberings that the margins of all pages show, and where these are printed."""

    def __init__(self, margins: Sequence[Margin]) -> None:
        beside = _on_many(margins, _beside_heads)
        outermost = max(beside, key=lambda at: (beside[at], -abs(at[1])), default=None)
        self._beside = set(_around(*outermost)) if outermost else set()
        bare = _on_many(margins, _bare, _FEWEST if len(margins) > _FEW else _FEWEST_OF_FEW)
        self._bare = self._beside | set(bare)
        # The sheet's own number needs no proof.
        self._counts = {Count(1, 0)} | {count for count, _ in self._bare}

    def of(self, page: Page, margin: Sequence[Line], running: Sequence[Line]) -> list[Line]:
        """Lines that begin or end with the page number where it is printed, and lines that are only
        a number that counts pages, with nothing but running heads beside it."""
        return [line for line in margin if self._is_number(line, page, running)]

    def _is_number(self, line: Line, page: Page, running: Sequence[Line]) -> bool:
        height = _height(line, page)
        if any((count, height) in self._beside for count in _beside_heads(line, page)):
            return True
        counts = _bare(line, page)
        if any((count, height) in self._bare for count in counts):
            return True
        fits = any(count in self._counts for count in counts)
        return fits and not line.cells and not _has_beside(line, page, running)


def _on_many(
    margins: Iterable[Margin],
    counts_of: Callable[[Line, Page], list[Count]],
    fewest: int = _FEWEST,
) -> dict[Place, int]:
    """The numberings that at least so many pages show at one height, with how many do."""
    found = Counter(
        place
        for page, lines in margins
        for place in {
            place
            for line in lines
            for count in counts_of(line, page)
            for place in _around(count, _height(line, page))
        }
    )
    return {place: pages for place, pages in found.items() if pages >= fewest}


def is_cell(line: Line, page: Page, running: Sequence[Line]) -> bool:
    """Whether it is a number with more beside it than running heads."""
    return bool(_bare(line, page)) and _has_beside(line, page, running)


def _has_beside(line: Line, page: Page, running: Sequence[Line]) -> bool:
    heads = {id(line), *map(id, running)}
    return any(
        abs(other.base - line.base) < line.size * 0.5 and id(other) not in heads
        for other in page.lines
    )


def _around(count: Count, height: int) -> Iterator[Place]:
    return ((count, height + step) for step in (-1, 0, 1))


def _height(line: Line, page: Page) -> int:
    """In steps of _STEP from the nearer edge: positive from the bottom, negative from the top."""
    from_head = line.base > page.height / 2
    return round((line.base - page.height if from_head else line.base) / _STEP)


def _beside_heads(line: Line, page: Page) -> list[Count]:
    """Numberings by the numbers at the line's start and end."""
    return [Count(1, ahead) for ahead in ahead_of_ends(line, page.number)]


def ahead_of_ends(line: Line, page: int) -> list[int]:
    """How far the page is ahead of the numbers at the line's start and end."""
    return [page - int(first or last) for first, last in FIRST_OR_LAST.findall(line.text)]


def _bare(line: Line, page: Page) -> list[Count]:
    """Numberings by a line that is only a number, Roman or not: of a page, or of a sheet's two."""
    found = [_BARE.fullmatch(cell.text) for cell in cells_of(line)]
    if not all(found):
        return []
    digits = [each[1].lower() for each in found if each]
    numbers = [int(each) if each.isdecimal() else of_roman(each) for each in digits]
    return [Count(pages, page.number * pages - number) for number in numbers for pages in (1, 2)]
