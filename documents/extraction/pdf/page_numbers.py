"""Which of the lines in pages' margins are the pages' numbers."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from documents.extraction.lines import Line, Page, cells_of
from documents.extraction.numerals import of_roman

_BARE = re.compile(r"[ \-–—|.]{0,3}(\d{1,9}|[ivxlc]{1,7})[ \-–—|.]{0,3}", re.IGNORECASE)
FIRST_OR_LAST = re.compile(r"^(\d{1,4})(?=\s)|(?<=\s)(\d{1,4})$")
_FEWEST = 3  # pages that tell how they are counted …
_FEWEST_OF_FEW, _FEW = 2, 4  # … or so few of so few, if nothing but numbers stands there
_STEP = 3  # points; what is no farther from an edge than that stands at the same height


class Count(NamedTuple):
    """How a number counts its page: it is `pages` times the sheet's own less `ahead`."""

    pages: int
    ahead: int


Margin = tuple[Page, Sequence[Line]]
Place = tuple[Count, int]  # and at what height


class PageNumbers:
    """What the margins of all pages tell of how they are counted, and where that is printed."""

    def __init__(self, margins: Sequence[Margin]) -> None:
        beside = _on_many(margins, _beside_heads)
        outermost = max(beside, key=lambda at: (beside[at], -abs(at[1])), default=None)
        self._beside = set(_around(*outermost)) if outermost else set()
        bare = _on_many(margins, _bare, _FEWEST if len(margins) > _FEW else _FEWEST_OF_FEW)
        self._bare = self._beside | set(bare)
        # The sheet's own number needs no proof.
        self._counts = {Count(1, 0)} | {count for count, _ in self._bare}

    def of(self, page: Page, margin: Sequence[Line], running: Sequence[Line]) -> list[Line]:
        """The lines that begin or end with the page's number where it is printed, and those that
        are a number which counts pages, with nothing beside it but running heads."""
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
    """The counts that so many pages show at one height, with how many do."""
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
    """In steps from the nearer edge: above nought from the foot, below it from the head."""
    from_head = line.base > page.height / 2
    return round((line.base - page.height if from_head else line.base) / _STEP)


def _beside_heads(line: Line, page: Page) -> list[Count]:
    """By the numbers that the line begins and ends with."""
    return [Count(1, ahead) for ahead in ahead_of_ends(line, page.number)]


def ahead_of_ends(line: Line, page: int) -> list[int]:
    """How far the page is ahead of the numbers that the line begins and ends with."""
    return [page - int(first or last) for first, last in FIRST_OR_LAST.findall(line.text)]


def _bare(line: Line, page: Page) -> list[Count]:
    """By the numbers that the line is, be they Roman: of a page, or of a sheet's two."""
    found = [_BARE.fullmatch(cell.text) for cell in cells_of(line)]
    if not all(found):
        return []
    digits = [each[1].lower() for each in found if each]
    numbers = [int(each) if each.isdecimal() else of_roman(each) for each in digits]
    return [Count(pages, page.number * pages - number) for number in numbers for pages in (1, 2)]
