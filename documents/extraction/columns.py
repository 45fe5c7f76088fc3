"""The reading order of lines scattered over a page: columns, then rows."""

from collections.abc import Iterator, Sequence
from statistics import median

from documents.extraction.lines import Line

_FEWEST = 3  # lines on either side, for a gap to separate columns
_NARROWEST = 5  # width of a column, in font sizes
_SPANNING = 0.35  # share of the lines that may span the columns: headings, captions, figures
_DEEPEST = 6


def in_reading_order(lines: Sequence[Line], depth: int = 0) -> list[Line]:
    """Column after column between the lines that span them, each from top to bottom."""
    gutter = _gutter(lines) if depth < _DEEPEST else None
    if gutter is None:
        return _in_rows(lines)
    ordered: list[Line] = []
    for band in _bands(lines, gutter):
        left = [line for line in band if line.right <= gutter]
        right = [line for line in band if line.left >= gutter]
        if left and right:
            ordered += in_reading_order(left, depth + 1) + in_reading_order(right, depth + 1)
        else:
            ordered += in_reading_order(band, depth + 1)
    return ordered


def _bands(lines: Sequence[Line], gutter: float) -> Iterator[list[Line]]:
    """Lines from top to bottom, those that span the gutter separated from those that don't."""
    band: list[Line] = []
    spans = False
    for line in sorted(lines, key=lambda line: -line.base):
        spanning = line.left < gutter < line.right
        if band and spanning != spans:
            yield band
            band = []
        spans = spanning
        band.append(line)
    if band:
        yield band


def _gutter(lines: Sequence[Line]) -> float | None:
    """The middle of the gap that best separates the lines into columns; None if there is none."""
    best: tuple[int, int, float] | None = None
    for edge in sorted({line.right for line in lines})[:-1]:
        left = [line for line in lines if line.right <= edge]
        right = [line for line in lines if line.left > edge]
        across = len(lines) - len(left) - len(right)
        if across > len(lines) * _SPANNING or not _are_columns(left, right):
            continue
        start = min(line.left for line in right)
        found = (across, -min(len(left), len(right)), (edge + start) / 2)
        best = min(best, found) if best else found
    return best[2] if best else None


def _are_columns(left: Sequence[Line], right: Sequence[Line]) -> bool:
    if min(len(left), len(right)) < _FEWEST:
        return False
    size = median(line.size for line in left)
    gap = min(line.left for line in right) - max(line.right for line in left)
    beside = min(left[0].base, *(line.base for line in left)) < max(line.base for line in right)
    beside = beside and min(line.base for line in right) < max(line.base for line in left)
    return gap >= size * 0.8 and beside and _is_wide(left) and _is_wide(right)


def _is_wide(lines: Sequence[Line]) -> bool:
    return median((line.right - line.left) / (line.size or 1) for line in lines) >= _NARROWEST


def _in_rows(lines: Sequence[Line]) -> list[Line]:
    ordered: list[Line] = []
    row: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.base):
        if row and row[0].base - line.base > max(row[0].size, line.size) * 0.5:
            ordered += sorted(row, key=lambda line: line.left)
            row = []
        row.append(line)
    return ordered + sorted(row, key=lambda line: line.left)
