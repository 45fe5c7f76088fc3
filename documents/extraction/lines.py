"""Lines as they stand on pages, wherever they were read from."""

from dataclasses import dataclass, field
from typing import NamedTuple


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
