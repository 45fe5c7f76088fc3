"""Tables of web pages, which also use cells for signs, bullets and spacing."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from lxml import etree

from documents.extraction.web.text import tag_of

_FIRST_ROWS = ("{*}thead/{*}tr", "{*}tr", "{*}tbody/{*}tr")
_MARKER = re.compile(r"(?:[^\w\s]|o|\(?\w{1,3}[.)])$")
_OPENING = frozenset({"$", "€", "£", "¥", "$(", "("})
_CLOSING = frozenset({"%", ")", ")%", "%)"})
_UNITS = _OPENING | _CLOSING
# Grid positions that cells may span, per cell and per table: enough for any real table, and bounded
# because a page may claim that a cell is a million rows high.
_COVERED, _COVERED_ANYWAY = 30, 200


class Cell(NamedTuple):
    text: str
    across: int = 1  # columns
    down: int = 1  # rows


class _Placed(NamedTuple):
    column: int
    across: int
    text: str


def laid_out(groups: list[list[list[Cell]]]) -> list[list[str]]:
    """The texts of a table's row groups, arranged in columns; spanned positions are empty.

    Currency and percent signs, and closing brackets, are rejoined with their numbers.
    """
    rows = list(chain.from_iterable(groups))
    if all(across == down == 1 and text not in _UNITS for text, across, down in chain(*rows)):
        return [[cell.text for cell in row] for row in rows]
    grid = _Grid(sum(map(len, rows)))
    placed = [_joined_units(row) for group in groups for row in grid.placed(group)]
    columns = _columns(placed)
    return [_filled(row, columns) for row in placed]


def is_item(row: list[str]) -> bool:
    """Whether a row is a list item in disguise: a bullet or number, then the text."""
    filled = [cell for cell in row if cell]
    return len(filled) == 2 and bool(_MARKER.match(filled[0]))


class _Grid:
    """The columns of a table, some of them occupied by cells from above."""

    def __init__(self, cells: int) -> None:
        self._room = cells * _COVERED + _COVERED_ANYWAY

    def placed(self, group: list[list[Cell]]) -> Iterator[list[_Placed]]:
        taken: dict[int, int] = {}  # column -> the row in which it is free again
        for at, row in enumerate(group):
            yield list(self._row(row, at, taken))

    def _row(self, row: list[Cell], at: int, taken: dict[int, int]) -> Iterator[_Placed]:
        column = 0
        for text, across, down in row:
            while taken.get(column, 0) > at and self._room > 0:
                column += 1
                self._room -= 1
            width = across if across < self._room else 1
            self._room -= width - 1
            if down > 1 and self._room > 0:
                taken.update(dict.fromkeys(range(column, column + width), at + down))
            yield _Placed(column, width, text)
            column += width


def _joined_units(row: list[_Placed]) -> list[_Placed]:
    joined: list[_Placed] = []
    for cell in row:
        before = joined[-1] if joined else None
        if before is None or not before.text or not cell.text:
            joined.append(cell)
        elif before.text in _OPENING or cell.text in _CLOSING:
            across = cell.column + cell.across - before.column
            joined[-1] = _Placed(before.column, across, before.text + cell.text)
        else:
            joined.append(cell)
    return joined


def _columns(rows: list[list[_Placed]]) -> dict[int, int]:
    """Non-empty grid columns -> the columns of the result.

    Neighbours are merged if a cell spans both and no row has something in both: signs or spacing
    may have a column of their own in some rows.
    """
    filled: dict[int, set[int]] = {}
    covered: set[int] = set()  # columns inside a spanning cell
    for at, row in enumerate(rows):
        shown = [cell for cell in row if cell.text]
        for column, across, _ in shown:
            filled.setdefault(column, set()).add(at)
            if len(shown) > 1:  # otherwise it is a caption
                covered.update(range(column + 1, column + across))
    return dict(_merged(filled, covered))


def _merged(filled: dict[int, set[int]], covered: set[int]) -> Iterator[tuple[int, int]]:
    shown, held, before = -1, set[int](), -1
    for column in sorted(filled):
        together = all(each in covered for each in range(before + 1, column + 1))
        if shown < 0 or not together or not held.isdisjoint(filled[column]):
            shown, held = shown + 1, set()
        held |= filled[column]
        yield column, shown
        before = column


def _filled(row: list[_Placed], columns: dict[int, int]) -> list[str]:
    texts = {columns[cell.column]: cell.text for cell in row if cell.text}
    return [texts.get(at, "") for at in range(max(texts, default=-1) + 1)]


def taken_out(table: etree._Element) -> list[etree._Element]:
    """Removes and returns the nested tables of a table with column names; they are read separately.

    Without column names, a table with nested tables is for layout.
    """
    found = list(_outermost_in(table)) if _names_columns(table) else []
    for node in found:
        room = etree.Element("p")
        room.tail, node.tail = node.tail, None
        node.getparent().replace(node, room)
    return found


def _names_columns(table: etree._Element) -> bool:
    rows = chain.from_iterable(map(table.iterfind, _FIRST_ROWS))
    first = list(next(rows, ()))
    return len(first) > 1 and all(tag_of(cell) == "th" for cell in first)


def _outermost_in(table: etree._Element) -> Iterator[etree._Element]:
    inside = etree.iterwalk(table, events=("start",), tag="{*}table")
    for _, node in inside:
        if node is not table:
            inside.skip_subtree()
            yield node


def span(said: str | None, zero: int, most: int) -> int:
    """How many columns or rows a cell spans, and what 0 means there."""
    if said is None:
        return 1
    digits = said.strip()[:9]
    number = int(digits) if digits.isascii() and digits.isdigit() else 1
    return min(number or zero, most)
