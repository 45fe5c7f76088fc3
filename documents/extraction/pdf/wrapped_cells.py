"""Table cells that continue on further lines, which look like rows of their own."""

import re
from collections.abc import Sequence
from itertools import pairwise

from documents.extraction.lines import Cell
from documents.extraction.pdf.aligned_cells import ALIGNED, FEWEST_CELLS, WRAPPED, Row, longer

_CLOSER = 0.85  # times the distance between rows, for lines of one row
_LETTER = 0.6  # width, in font sizes
_MOST_LINES = 200  # per row; bounds the time
_WORD = re.compile(r"[^\W\d_]{2}|[\u3040-\u9fff\uac00-\ud7af]")

Columns = Sequence[tuple[float, float]]


def whole_rows(run: Sequence[Row], columns: Columns) -> list[Row]:
    """The rows of a table, with lines of the same cells merged into one row."""
    if len(columns) < FEWEST_CELLS:
        return list(run)
    closest = _step(run, columns) * _CLOSER
    rows: list[Row] = []
    for row in run:
        if rows and (is_next_line(rows[-1], row) or _goes_on(rows[-1], row, columns, closest)):
            rows[-1] = joined(rows[-1], row)
        elif rows and _ends_in(rows[-1], row, columns, closest):
            rows[-1] = _with_start(rows[-1], row)
        else:
            rows.append(row)
    return rows


def is_next_line(above: Row, row: Row) -> bool:
    """Whether a single cell is the next line of a cell of the row above other than its first."""
    if len(row.cells) > 1 or len(above.cells) < FEWEST_CELLS or not _is_near(above, row):
        return False
    return any(abs(cell.left - row.cells[0].left) <= ALIGNED for cell in above.cells[1:])


def lines_after(run: Sequence[Row], after: Sequence[Row], columns: Columns) -> int:
    """How many of the single cells after a table are lines of its last row."""
    closest, last = _step(run, columns) * _CLOSER, run[-1]
    for count, row in enumerate(after):
        if not is_next_line(last, row) and not _goes_on(last, row, columns, closest):
            return count
        last = joined(last, row)
    return len(after)


def _step(run: Sequence[Row], columns: Columns) -> float:
    """The distance between rows: between full rows the least, as there may be gaps, else the
    greatest."""
    steps = [(before.lowest - row.highest, before, row) for before, row in pairwise(run)]
    full = [step for step, *both in steps if all(len(row.cells) == len(columns) for row in both)]
    return min(full) if full else max((step for step, *_ in steps), default=0.0)


def _is_near(above: Row, row: Row) -> bool:
    step = above.lowest - row.highest
    return 0 < step < row.size * WRAPPED and len(above.lines) < _MOST_LINES


def _goes_on(above: Row, row: Row, columns: Columns, closest: float) -> bool:
    """Whether a row with fewer cells than the table has columns continues words that had no room in
    the row above. Rows have to be farther apart than such lines, as it could be a row too."""
    if above.lowest - row.highest > closest or not _is_near(above, row):
        return False
    if (
        len(columns) < FEWEST_CELLS
        or len(row.cells) == len(columns)
        or len(row.cells) > len(above.cells)
    ):
        return False
    return all(_had_no_room(_under(above, cell), cell, columns, row.size) for cell in row.cells)


def _ends_in(above: Row, row: Row, columns: Columns, closest: float) -> bool:
    """Whether a single cell is the first line of the first cell of the row below."""
    if len(above.cells) > 1 or len(row.cells) == 1 or not _is_near(above, row):
        return False
    (one,), (other, *_) = above.cells, row.cells
    is_close = above.lowest - row.highest <= closest or other.text[:1].islower()
    is_below = abs(one.left - other.left) <= ALIGNED
    return is_close and is_below and _had_no_room(one, other, columns, row.size)


def _under(above: Row, cell: Cell) -> Cell | None:
    return next((each for each in above.cells if abs(each.left - cell.left) <= ALIGNED), None)


def _had_no_room(above: Cell | None, cell: Cell, columns: Columns, size: float) -> bool:
    if above is None or not (_WORD.search(above.text) and _WORD.search(cell.text)):
        return False
    edge = next((right for left, right in columns if left <= cell.left < right), 0.0)
    first = len(cell.text.split(None, 1)[0])
    return above.right + first * size * _LETTER > edge


def joined(above: Row, row: Row) -> Row:
    """Both as one row; the lower one's cells continue those above them."""
    cells = [
        longer(cell, more) if (more := _under(row, cell)) is not None else cell
        for cell in above.cells
    ]
    lines = [*above.lines, *row.lines]
    return Row(cells, lines, above.base, above.size, above.highest, row.lowest)


def _with_start(above: Row, row: Row) -> Row:
    """A row whose first cell begins in the line above."""
    cells = [longer(above.cells[0], row.cells[0]), *row.cells[1:]]
    return Row(cells, [*above.lines, *row.lines], row.base, row.size, above.highest, row.lowest)
