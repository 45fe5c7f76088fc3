"""Finds tables by gaps that are in the same places row after row."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby, pairwise
from statistics import fmean

from unstructured.documents.elements import Element

from documents.extraction import build
from documents.extraction.lines import Line
from documents.extraction.pdf.aligned_cells import Row, continued
from documents.extraction.pdf.rows import rows_of
from documents.extraction.pdf.wrapped_cells import (
    Columns,
    is_next_line,
    joined,
    lines_after,
    whole_rows,
)

_FEWEST_ROWS = 3
_FEWEST_CELLS = 4  # in each row, of a table of two rows
_MARKER = re.compile(r"(?:[^\w\s]|[\[(]?\w{1,4}[.)\]]|\d[\d.\-]*)$")
_DIGIT = re.compile(r"\d")
_CODE = re.compile(r"(?:^|\s)//|/\*|[←↔]|:=|[;{}]$|[=!]=|\+\+|->")
_LONG_CELL = 18  # letters on average; from here on it is running text in columns
_SHORT_CELL = 2.2  # letters on average; shorter cells are of a figure or formula
_LEAST_FILLED = 0.6  # share of the cells of a row, and of the rows
_MOST_PATTERNS = 4  # rows with so many distinct layouts that cells are compared with
_FARTHEST = 3.5  # from one row to the next, in font sizes


def without_tables(lines: Sequence[Line]) -> Iterator[list[Line] | Element]:
    """The lines in order, with those of each table replaced by the table."""
    if not _has_gaps(lines):
        yield list(lines)
        return
    text: list[Line] = []
    for found in chain.from_iterable(map(_tables, _runs(rows_of(lines)))):
        if isinstance(found, list):
            text += found
            continue
        if text:
            yield text
            text = []
        yield found
    if text:
        yield text


def _tables(run: list[Row], *, whole: bool = True) -> Iterator[list[Line] | Element]:
    """A run as a table. If it is none, or has more cells than columns common to all rows, the parts
    between its single cells, which may be tables; otherwise its lines."""
    if len(run) < _FEWEST_ROWS and min(len(row.cells) for row in run) < _FEWEST_CELLS:
        yield _lines(run)
        return
    tried = ((whole_rows(run, columns), columns) for columns in _columns(run))
    found = [each for each in tried if _is_table(run, *each)]
    fitting = [each for each in found if _filled(*each) <= 1]
    pieces = list(_between_singles(run)) if whole and not fitting else []
    if fitting or (found and not any(isinstance(piece, Element) for piece in pieces)):
        yield from [_listing(run)] if _is_code(run) else _table(*(fitting or found)[0])
    else:
        yield from pieces or [_lines(run)]


def _between_singles(run: Sequence[Row]) -> Iterator[list[Line] | Element]:
    for _, rows in groupby(run, key=lambda row: len(row.cells) > 1):
        yield from _tables(list(rows), whole=False)


def _lines(run: Iterable[Row]) -> list[Line]:
    return [line for row in run for line in row.lines]


def outside_of_tables(lines: Sequence[Line]) -> list[Line]:
    parts_between = (part for part in without_tables(lines) if isinstance(part, list))
    return [line for part in parts_between for line in part]


def _has_gaps(lines: Sequence[Line]) -> bool:
    return any(line.cells for line in lines) or any(
        abs(before.base - line.base) < before.size * 0.4 for before, line in pairwise(lines)
    )


def apart(lines: Iterable[Line]) -> list[Line]:
    """Lines of columns so close together that they were taken for one line, separated again."""
    found: list[Line] = []
    for run in _runs(rows_of(list(lines))):
        columns = len(run) >= _FEWEST_ROWS and _are_text_columns(run)
        for line in (line for row in run for line in row.lines):
            found += _parted(line) if columns else [line]
    return found


def _parted(line: Line) -> list[Line]:
    return [
        replace(line, text=cell.text, left=cell.left, right=cell.right, cells=())
        for cell in line.cells
    ] or [line]


def _runs(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Runs of rows that could be one table; every other row is a run by itself."""
    run: list[Row] = []  # its first row has several cells
    whole: Row | None = None  # its last row, with all lines of its cells
    for row in rows:
        if whole is not None and is_next_line(whole, row):
            run.append(row)
            whole = joined(whole, row)
            continue
        if run and _goes_on(run[-1], row):
            run.append(row)
        else:
            yield from _ended(run)
            run = [row] if len(row.cells) > 1 else []
            if not run:
                yield [row]
        whole = row if run else None
    yield from _ended(run)


def _goes_on(before: Row, row: Row) -> bool:
    step = before.lowest - row.highest
    near = 0 < step < max(before.size, row.size) * _FARTHEST
    return near and (len(row.cells) > 1 or len(before.cells) > 1)


def _ended(run: list[Row]) -> Iterator[list[Row]]:
    """A run without the single cells at its end, which are following text, unless they are lines of
    its last row."""
    if not run:
        return
    end = max(at for at, row in enumerate(run, 1) if len(row.cells) > 1)
    end += lines_after(run[:end], run[end:], next(_columns(run))) if end < len(run) else 0
    yield run[:end]
    for row in run[end:]:
        yield [row]


def _columns(run: Sequence[Row]) -> Iterator[list[tuple[float, float]]]:
    """Candidates for the columns: intervals covered by cells of multi-cell rows. If a few cells
    span several columns, first the intervals without these."""
    rows = [row for row in run if len(row.cells) > 1]
    columns = _covered(rows)
    counts = sorted({len(row.cells) for row in rows}, reverse=True)
    for count in counts[:_MOST_PATTERNS]:
        if count <= len(columns):
            break
        fullest = [row for row in rows if len(row.cells) == count]
        parted = _covered(fullest)
        if len(fullest) >= _FEWEST_ROWS and len(parted) == count:
            yield parted
        usual = [row for row in rows if not _spans(row, fullest[:_MOST_PATTERNS])]
        if len(usual) * 2 >= len(rows):
            yield _covered(usual)
            break
    yield columns


def _spans(row: Row, others: Iterable[Row]) -> bool:
    """Whether a cell of the row spans several cells of another."""
    return any(
        sum(cell.left < each.right and each.left < cell.right for each in other.cells) > 1
        for other in others
        for cell in row.cells
    )


def _covered(rows: Sequence[Row]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for left, right in sorted((cell.left, cell.right) for row in rows for cell in row.cells):
        if merged and left < merged[-1][1] + rows[0].size * 0.2:
            merged[-1] = (merged[-1][0], max(merged[-1][1], right))
        else:
            merged.append((left, right))
    return merged


def _is_table(run: Sequence[Row], whole: Sequence[Row], columns: Columns) -> bool:
    """Whether the run is a table; `whole` are its rows, each with all lines of its cells."""
    rows = [row for row in whole if len(row.cells) > 1]
    if not _are_enough(rows, columns) or _are_text_columns(run):
        return False
    letters = fmean(len(cell.text) for row in rows for cell in row.cells)
    if (
        letters < _SHORT_CELL
        or _filled(rows, columns) < _LEAST_FILLED
        or len(rows) < len(whole) * _LEAST_FILLED
    ):
        return False  # the labels of a figure, or occasional gaps
    return len(columns) > 2 or not _is_list(rows)


def _are_enough(rows: Sequence[Row], columns: Columns) -> bool:
    if len(rows) < _FEWEST_ROWS:
        return len(rows) > 1 and all(
            len(row.cells) == len(columns) >= _FEWEST_CELLS for row in rows
        )
    return len(columns) > 1


def _filled(rows: Sequence[Row], columns: Columns) -> float:
    """The share of columns that multi-cell rows fill."""
    rows = [row for row in rows if len(row.cells) > 1]
    return sum(len(row.cells) for row in rows) / (len(rows) * len(columns))


def _is_code(run: Sequence[Row]) -> bool:
    """Whether the rows are lines of code with wide gaps before their comments."""
    lines = (" ".join(cell.text for cell in row.cells) for row in run)
    return sum(bool(_CODE.search(line)) for line in lines) * 2 > len(run)


def _listing(run: Sequence[Row]) -> Element:
    lines = ("  ".join(cell.text for cell in row.cells) for row in run)
    return build.code("\n".join(lines), run[0].lines[0].page)


def _is_list(rows: Sequence[Row]) -> bool:
    """Whether the first of two columns holds only bullets or numbers."""
    return sum(bool(_MARKER.match(row.cells[0].text)) for row in rows) * 2 > len(rows)


def _are_text_columns(run: Sequence[Row]) -> bool:
    """Whether the cells in every column are so long that they are running text."""
    rows = [row.cells for row in run if len(row.cells) > 1]
    width = min(map(len, rows), default=0)
    return width > 0 and all(
        fmean(len(cells[at].text) for cells in rows) > _LONG_CELL for at in range(width)
    )


def _table(run: Sequence[Row], columns: Columns) -> Iterator[Element]:
    rows: list[list[str]] = []
    for row in run:
        placed = _placed(row, columns)
        if rows and len(row.cells) == 1 and not placed[0]:
            rows[-1] = list(map(continued, rows[-1], placed))
        else:
            rows.append(placed)
    first, *rest = run
    header = first.lines[0].bold and not all(row.lines[0].bold for row in rest)
    texts = ([text.replace("\xad", "-") for text in row] for row in rows)
    made = build.table(texts, first.lines[0].page, header=header or None)
    if made is not None:
        yield made


def _placed(row: Row, columns: Columns) -> list[str]:
    """The row's cells by column; a cell that spans several goes into its first, unless it is a
    number for each."""
    texts = [""] * len(columns)
    for cell in row.cells:
        last = len(columns) - 1
        at = next((n for n, (_, right) in enumerate(columns) if cell.left < right), last)
        over = sum(left < cell.right for left, _ in columns[at:])
        words = cell.text.split()
        are_numbers = len(words) == over > 1 and all(map(_DIGIT.search, words))
        for n, text in enumerate(words if are_numbers else [cell.text], at):
            texts[n] = f"{texts[n]} {text}".strip()
    return texts
