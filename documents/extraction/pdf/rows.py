"""Groups lines into table rows: cells side by side, including cells of several lines."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from documents.extraction.lines import Cell, Line, cells_of
from documents.extraction.pdf.aligned_cells import (
    ALIGNED,
    FEWEST_CELLS,
    MOST_LINES,
    SAME_BASE,
    WRAPPED,
    Row,
    level_rows,
    longer,
)

_LETTER = 0.6  # width, in font sizes


def rows_of(lines: Iterable[Line]) -> list[Row]:
    """The lines as rows, in order. In a table drawn cell by cell, a line is higher than the one
    before it and right of the cell that ended there."""
    return level_rows(_rows(lines))


def _rows(lines: Iterable[Line]) -> list[Row]:
    rows: list[Row] = []
    for line in lines:
        row = _row(line)
        if rows and _is_beside(rows[-1], line):
            rows[-1] = _joined([rows[-1], row])
        elif rows and (wrapped := _beside_wrapped(rows, line)):
            rows[-wrapped:] = [_joined([*rows[-wrapped:], row])]
        elif rows and _is_within(rows[-1], row):
            rows[-1] = _joined([rows[-1], row])
        else:
            rows.append(row)
    return rows


def _row(line: Line) -> Row:
    return Row(list(cells_of(line)), [line], line.base, line.size, line.base, line.base)


def _is_beside(row: Row, line: Line) -> bool:
    close = abs(row.base - line.base) < min(row.size, line.size) * SAME_BASE
    return close and line.left > row.cells[-1].right


def _beside_wrapped(rows: Sequence[Row], line: Line) -> int:
    """How many of the last rows are lines of one cell that the line is beside, the first of them
    including the cells left of it; 0 if they are not arranged like that."""
    if line.base < rows[-1].base + line.size * SAME_BASE:
        return 0
    for count, row in enumerate(reversed(rows[-MOST_LINES:]), 1):
        if row.cells[-1].right >= line.left:
            return 0
        if count > 1 and abs(row.base - line.base) < line.size * SAME_BASE:
            several = len(row.cells) + len(cells_of(line)) >= FEWEST_CELLS
            return count if several and _fills(rows[-count:]) else 0
        if count == len(rows) or not _goes_on(rows[-count - 1], row):
            return 0
    return 0


def _is_within(above: Row, row: Row) -> bool:
    """Whether a line continues the last cell of a row whose other cells are no shorter."""
    if len(above.cells) < FEWEST_CELLS or not _is_under(above.cells[-1], row):
        return False
    step = above.lines[-1].base - row.base
    return 0 < step < row.size * WRAPPED and row.base > above.lowest - row.size * SAME_BASE


def _fills(rows: Sequence[Row]) -> bool:
    """Whether the cells have more than a word each, and every line of a cell is so full that the
    first word of the next had no room."""
    edge = max(row.cells[-1].right for row in rows)
    says_more = any(" " in row.cells[-1].text for row in rows)
    return says_more and all(
        row.cells[-1].right + _first_word(below) > edge for row, below in pairwise(rows)
    )


def _first_word(row: Row) -> float:
    return len(row.cells[0].text.split(None, 1)[0]) * row.size * _LETTER


def _goes_on(above: Row, row: Row) -> bool:
    """Whether the row is the next line of the last cell of the row above."""
    if len(row.cells) > 1 or abs(above.cells[-1].left - row.cells[0].left) > ALIGNED:
        return False
    return 0 < above.lowest - row.base < row.size * WRAPPED


def _joined(rows: Sequence[Row]) -> Row:
    """The rows as one. What begins under a cell continues it."""
    first, *more = rows
    cells = list(first.cells)
    for row in more:
        if _is_under(cells[-1], row):
            cells[-1] = longer(cells[-1], row.cells[0])
        else:
            cells += row.cells
    lines = [line for row in rows for line in row.lines]
    bases = [line.base for line in lines]
    return Row(cells, lines, first.base, first.size, max(bases), min(bases))


def _is_under(cell: Cell, row: Row) -> bool:
    return len(row.cells) == 1 and abs(cell.left - row.cells[0].left) <= ALIGNED
