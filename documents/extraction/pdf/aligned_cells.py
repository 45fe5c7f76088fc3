"""Table cells that are centred vertically in their row, or aligned at its bottom."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

from documents.extraction.lines import CJK, Cell, Line

SAME_BASE = 0.4  # in font sizes
FEWEST_CELLS = 3  # of a row; with fewer these are columns of text
ALIGNED = 2.0  # points
MOST_LINES = 12  # per cell
WRAPPED = 1.6  # from one line of a cell to the next, in font sizes
_WORD = re.compile(r"[^\W\d_]{3}|[\u3040-\u9fff\uac00-\ud7af]{2}")


@dataclass(slots=True)
class Row:
    cells: list[Cell]
    lines: list[Line]
    base: float  # baseline of its first line
    size: float  # font size of its first line
    highest: float  # baseline of its highest line
    lowest: float


_Stack = list[Row]  # the lines of one cell, each a row so far; or a row of several cells


def level_rows(rows: list[Row]) -> list[Row]:
    """The rows, with neighbouring cells that are aligned by their middles or last lines merged into
    one row. (Aligned first lines are no sign of a table: columns of text have them too.)"""
    found, at = list[Row](), 0
    for first, last in _near_steps(rows):
        part = rows[first:last]
        for height in (_middle, _foot):
            runs = _runs(part, height)
            part = [row for run in runs for row in (_as_one(run) if len(run) > 1 else run[0])]
        found += [*rows[at:first], *part]
        at = last
    return found + rows[at:] if found else rows


def _near_steps(rows: list[Row]) -> Iterator[tuple[int, int]]:
    """Spans of rows around each row that starts to the right of the row before and above its end:
    where cells of several lines may be side by side. Few pages have any."""
    first = last = 0
    for at, (before, row) in enumerate(pairwise(rows), 1):
        is_step = row.highest > before.lowest and row.cells[0].left > before.cells[-1].right
        if not is_step or not _are_cells(rows, at):
            continue
        if at - MOST_LINES > last:
            yield from [(first, last)] if last else []
            first = at - MOST_LINES
        last = at + MOST_LINES
    if last:
        yield first, last


def _are_cells(rows: list[Row], at: int) -> bool:
    """Whether what ends before row `at` and what begins there are aligned cells."""
    first, last = at - 1, at + 1
    while first > 0 and at - first < MOST_LINES and _is_below(rows[first - 1], rows[first]):
        first -= 1
    while last < len(rows) and last - at < MOST_LINES and _is_below(rows[last - 1], rows[last]):
        last += 1
    before, after = rows[first:at], rows[at:last]
    if last - first == 2:  # one line each
        return False
    narrow = after if len(after[-1].cells) == 1 else after[:-1] or after
    return _is_beside(before, after, _foot) or _is_beside(before, narrow, _middle)


def _runs(rows: Sequence[Row], height: Callable[[_Stack], float]) -> Iterator[list[_Stack]]:
    """Runs of cells that are side by side, aligned by `height`."""
    run: list[_Stack] = []
    for stack in _stacks(rows, wide=height is _foot):
        if run and not _is_beside(run[-1], stack, height):
            yield run
            run = []
        run.append(stack)
    if run:
        yield run


def _stacks(rows: Sequence[Row], *, wide: bool) -> Iterator[_Stack]:
    """The rows grouped into cells. `wide`: a cell's last line may have other cells beside it."""
    stack: _Stack = []
    for row in rows:
        if stack and not (_is_below(stack[-1], row) and (wide or len(row.cells) == 1)):
            yield stack
            stack = []
        stack.append(row)
    if stack:
        yield stack


def _is_below(above: Row, row: Row) -> bool:
    """Whether a row is the next line of the same cell as the row above."""
    if len(above.cells) > 1 or not 0 < above.lowest - row.highest < row.size * WRAPPED:
        return False
    one, other = above.cells[0], row.cells[0]
    left, right = other.left - one.left, other.right - one.right
    return abs(left) <= ALIGNED or abs(left + right) <= ALIGNED * 2  # or centred


def _is_beside(before: _Stack, stack: _Stack, height: Callable[[_Stack], float]) -> bool:
    if abs(height(before) - height(stack)) > stack[0].size * SAME_BASE:
        return False
    return max(row.cells[-1].right for row in before) < min(row.cells[0].left for row in stack)


def _middle(stack: _Stack) -> float:
    return (stack[0].highest + stack[-1].lowest) / 2


def _foot(stack: _Stack) -> float:
    return stack[-1].lowest


def _as_one(run: Sequence[_Stack]) -> list[Row]:
    """The run as one row, if it has enough cells and some have more lines of words than others;
    otherwise unchanged. Fractions in formulas look alike."""
    rows = [row for stack in run for row in stack]
    if len(set(map(len, run))) < 2:
        return rows
    cells = [cell for stack in run for cell in _cells(stack)]
    of_words = all(map(_WORD.search, (_text(stack) for stack in run if len(stack) > 1)))
    if len(cells) < FEWEST_CELLS or not of_words:
        return rows
    lines = [line for row in rows for line in row.lines]
    bases = [line.base for line in lines]
    return [Row(cells, lines, rows[0].base, rows[0].size, max(bases), min(bases))]


def _text(stack: _Stack) -> str:
    return " ".join(row.cells[0].text for row in stack)


def _cells(stack: _Stack) -> list[Cell]:
    return [reduce(longer, (row.cells[0] for row in stack)), *stack[-1].cells[1:]]


def longer(cell: Cell, more: Cell) -> Cell:
    """A cell extended by its next line."""
    text = continued(cell.text, more.text)
    return Cell(text, min(cell.left, more.left), max(cell.right, more.right))


def continued(text: str, more: str) -> str:
    """The text of a cell and of its next line, either of which may be empty."""
    if not (text and more):
        return text + more
    if text.endswith(("\xad", "-")) and text[-2:-1].isalnum():
        is_one_word = text[-2].isalpha() and more[0].islower()
        return text[:-1] + more if is_one_word else text + more
    if CJK.match(text[-1]) and CJK.match(more):
        return text + more
    return f"{text} {more}"
