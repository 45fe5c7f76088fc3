"""Lines on pages, whatever they were read from."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

# Scripts without spaces; Korean lines also continue without one.
CJK = re.compile("[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]")


class Cell(NamedTuple):
    """A part of a line with a wide gap before or after it."""

    text: str
    left: float
    right: float


@dataclass(slots=True)
class Line:
    """A line on a page. Lengths are in points, from the page's bottom left."""

    text: str
    left: float
    right: float
    base: float  # baseline
    size: float  # font size
    bold: bool
    page: int = 0
    cells: tuple[Cell, ...] = ()  # if the line has wide gaps
    turn: int = 0  # counter-clockwise degrees relative to the page in the file: 0, 90, 180 or 270


@dataclass(slots=True)
class Page:
    number: int  # 1-based
    width: float
    height: float
    lines: list[Line]
    scanned: bool = False  # by OCR
    sideways: list[Line] = field(default_factory=list)  # lines in a direction other than the page's
    fields: list[str] = field(default_factory=list)  # "name: value" of form fields


def cells_of(line: Line) -> Sequence[Cell]:
    """The line's cells; a line without wide gaps is one cell."""
    return line.cells or [Cell(line.text, line.left, line.right)]


def usual_size(lines: Iterable[Line]) -> float:
    """The font size of most of the text."""
    counts: Counter[float] = Counter()
    for line in lines:
        counts[line.size] += -(-len(line.text) // 20)
    return counts.most_common(1)[0][0] if counts else 0.0
