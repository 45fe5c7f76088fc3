"""Lines as they stand on pages, wherever they were read from."""

from dataclasses import dataclass


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


@dataclass(slots=True)
class Page:
    number: int  # 1-based
    width: float
    height: float
    lines: list[Line]
    scanned: bool = False  # its lines were read by OCR
