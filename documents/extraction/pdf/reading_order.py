"""Puts the lines of a PDF page together and into reading order."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from documents.extraction.columns import in_reading_order
from documents.extraction.lines import Cell, Line
from documents.extraction.pdf.tables import apart, outside_of_tables

_WIDEST_CELL = 12  # in font sizes
_WIDEST_LETTER = 1.6  # in font sizes
_EAST_ASIAN = re.compile("[\u3040-\u9fff\uf900-\ufaff]")
_FEWEST_LETTERS = 4  # one below the other


def in_order(pieces: Sequence[Line], *, scanned: bool) -> list[Line]:
    """Whole lines in reading order; the order of drawing is kept if it makes sense."""
    if _runs_down(pieces):
        return _laid_down(pieces)
    lines = list(_whole_lines(pieces))
    if scanned:  # OCR has ordered them
        return lines
    parted = apart(lines) if any(line.cells for line in lines) else lines
    if len(parted) > len(lines) or (
        # Tables may be drawn cell by cell.
        _is_disordered(parted) and _is_disordered(outside_of_tables(parted))
    ):
        return list(_whole_lines(in_reading_order(parted)))
    return lines


def _runs_down(lines: Sequence[Line]) -> bool:
    """Whether most of the text is vertical, as Japanese and Chinese may be."""
    down = sum(len(line.text) for line in lines if _is_column(line))
    return down * 2 > sum(len(line.text) for line in lines)


def _is_column(line: Line) -> bool:
    narrow = 0 < line.right - line.left < line.size * _WIDEST_LETTER
    return narrow and len(_EAST_ASIAN.findall(line.text)) >= _FEWEST_LETTERS


def _laid_down(lines: Sequence[Line]) -> list[Line]:
    """Vertical columns as lines, the rightmost first. Horizontal lines stay before them."""
    across = [line for line in lines if not _is_column(line)]
    columns = [_as_line(line) for line in lines if _is_column(line)]
    return across + sorted(columns, key=lambda line: (-line.base, line.left))


def _as_line(column: Line) -> Line:
    """The column as a line; `base` is that of its middle letter."""
    length = len(column.text) * column.size
    top = column.base + length / 2
    return replace(column, left=-top, right=length - top, base=column.left)


def _is_disordered(lines: Sequence[Line]) -> bool:
    """Whether lines jump up the page more often than columns, notes and figures explain."""
    ups = sum(line.base > before.base + line.size * 2 for before, line in pairwise(lines))
    return (ups > 6 and ups * 6 > len(lines)) or (ups > 0 and _is_drawn_by_column(lines))


def _is_drawn_by_column(lines: Sequence[Line]) -> bool:
    """Whether short lines are beside others that were not drawn next: table cells."""
    short = [
        line
        for line in lines
        if line.right - line.left < line.size * _WIDEST_CELL and len(line.text) > 2
    ]
    bases = Counter(round(line.base) for line in short)
    beside = sum(count for count in bases.values() if count > 1)
    return beside >= 6 and beside * 10 > len(short) * 7


def _whole_lines(lines: Iterable[Line]) -> Iterator[Line]:
    """Rejoins lines that PDFium split at a change of font or at a superscript."""
    whole: Line | None = None
    for line in lines:
        if whole is not None and _on_same_line(whole, line):
            whole = _beside(whole, line)
            continue
        if whole is not None:
            yield whole
        whole = line
    if whole is not None:
        yield whole


def _on_same_line(before: Line, line: Line) -> bool:
    size = max(before.size, line.size)
    gap = line.left - before.right
    return abs(before.base - line.base) < size * 0.5 and -size * 0.5 < gap < size * 1.5


def _beside(before: Line, line: Line) -> Line:
    close = line.left - before.right < max(before.size, line.size) * 0.15
    longer = before if len(before.text) >= len(line.text) else line
    return replace(
        longer,
        text=before.text + ("" if close else " ") + line.text,
        left=before.left,
        right=line.right,
        bold=before.bold and line.bold,
        cells=_joined_cells(before, line, close=close),
    )


def _joined_cells(before: Line, line: Line, *, close: bool) -> tuple[Cell, ...]:
    """The cells of two lines joined: the last of one and the first of the other merge."""
    if not before.cells and not line.cells:
        return ()
    first = before.cells or (Cell(before.text, before.left, before.right),)
    second = line.cells or (Cell(line.text, line.left, line.right),)
    text = first[-1].text + ("" if close else " ") + second[0].text
    return (*first[:-1], Cell(text, first[-1].left, second[0].right), *second[1:])
