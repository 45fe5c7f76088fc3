"""Detects the delimiter of a table in plain text."""

import csv
import io
import re
from collections import Counter
from itertools import islice

_CANDIDATES = ",;\t|"
_SAMPLE, _ROWS = 20_000, 50  # characters and rows that are examined
_DECIMAL = re.compile(r"[^\d,]{0,5}[\d.' ]*\d,\d+[^\d,]{0,5}")  # with its currency
DECLARED = re.compile(rf"sep=([{_CANDIDATES}])\n", re.IGNORECASE)  # Excel's convention

Rows = list[list[str]]


def delimiter_of(text: str) -> str:
    """The candidate that splits most of the first rows alike; of several, into the most cells.

    Not the comma if another candidate leaves only decimal commas.
    """
    parted = {mark: _rows(text, mark) for mark in _CANDIDATES}
    alike = {mark: _alike(rows) for mark, rows in parted.items()}
    best = max(_CANDIDATES, key=alike.__getitem__)
    others = (mark for mark in _CANDIDATES[1:] if alike[mark][0] >= alike[best][0])
    return next((mark for mark in others if _only_decimals(parted[mark])), best)


def _rows(text: str, mark: str) -> Rows:
    reader = csv.reader(io.StringIO(text[:_SAMPLE], newline=""), delimiter=mark)
    rows = list(islice(filter(any, reader), _ROWS))
    is_cut = len(text) > _SAMPLE and 1 < len(rows) < _ROWS
    return rows[:-1] if is_cut else rows


def _alike(rows: Rows) -> tuple[float, int]:
    """The share of rows with the usual number of cells, and that number; 0 for single cells."""
    widths = Counter(len(row) for row in rows if len(row) > 1)
    ((width, count),) = widths.most_common(1) or [(0, 0)]
    return count / max(len(rows), 1), width


def _only_decimals(rows: Rows) -> bool:
    """Whether cells contain commas, all of them within numbers."""
    cells = [cell.strip() for row in rows for cell in row if "," in cell]
    return bool(cells) and all(map(_DECIMAL.fullmatch, cells))
