"""Lines as they stand on pages, wherever they were read from."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

# What is written without spaces; Korean lines go on without one too.
CJK = re.compile("[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]")


class Cell(NamedTuple):
    """A part of a line with a wide gap before or after it."""

    text: str
    left: float
    right: float


@dataclass(slots=True)
class Line:
    """A line as it stands on the page. Lengths are in points, from the page's bottom left."""

    text: str
    left: float
    right: float
    base: float  # where its letters stand
    size: float  # of its type
    bold: bool
    page: int = 0
    cells: tuple[Cell, ...] = ()  # where it has wide gaps
    turn: int = 0  # degrees to the left of the page, as it lies in the file: 0, 90, 180 or 270


@dataclass(slots=True)
class Page:
    number: int  # 1-based
    width: float
    height: float
    lines: list[Line]
    scanned: bool = False  # its lines were read by OCR
    sideways: list[Line] = field(default_factory=list)  # that run another way than the others
    fields: list[str] = field(default_factory=list)  # "name: value" of a form


def cells_of(line: Line) -> Sequence[Cell]:
    """Its parts; a line without wide gaps is one."""
    return line.cells or [Cell(line.text, line.left, line.right)]


def usual_size(lines: Iterable[Line]) -> float:
    """Of the type that most of the text is set in."""
    counts: Counter[float] = Counter()
    for line in lines:
        counts[line.size] += -(-len(line.text) // 20)
    return counts.most_common(1)[0][0] if counts else 0.0
