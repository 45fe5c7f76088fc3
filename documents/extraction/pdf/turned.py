"""Pages whose lines run up, down or upside down."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from statistics import fmean

from documents.extraction.lines import Cell, Line, Page

_LONG_LINE = 25  # letters on average: then it is running text, not the labels of figures


def usual_turn(lines: Iterable[Line]) -> int:
    """Which way most of the text runs, in degrees to the left; 0 where there is none."""
    letters: Counter[int] = Counter()
    for line in lines:
        letters[line.turn] += len(line.text)
    return letters.most_common(1)[0][0] if letters else 0


def upright(page: Page, width: float, height: float) -> Page:
    """The page the way most of its lines run; those that run another way come last.

    Width and height, in points, are those of the page as it lies in the file.
    """
    turn = usual_turn(page.lines)
    level = [_moved(line, width, height) for line in page.lines if line.turn == turn]
    others = [_moved(line, width, height) for line in page.lines if line.turn != turn]
    if others and fmean(len(line.text) for line in others) > _LONG_LINE:
        others.sort(key=lambda line: (line.turn, -line.base, line.left))
    if turn in {90, 270}:
        width, height = height, width
    return replace(page, width=width, height=height, lines=level, sideways=others)


def _moved(line: Line, width: float, height: float) -> Line:
    """The line with its lengths counted from the bottom left of the turned page."""
    right, up = {0: (0.0, 0.0), 90: (0.0, width), 180: (width, height), 270: (height, 0.0)}[
        line.turn
    ]
    cells = tuple(Cell(cell.text, cell.left + right, cell.right + right) for cell in line.cells)
    return replace(
        line, left=line.left + right, right=line.right + right, base=line.base + up, cells=cells
    )
