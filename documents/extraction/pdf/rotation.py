"""Pages whose lines run up, down or upside down."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from statistics import fmean

from documents.extraction.lines import Cell, Line, Page

_LONG_LINE = 25  # letters on average: running text rather than labels of a figure


def usual_turn(lines: Iterable[Line]) -> int:
    """The direction of most of the text, in degrees counter-clockwise; 0 if there is none."""
    letters: Counter[int] = Counter()
    for line in lines:
        letters[line.turn] += len(line.text)
    return letters.most_common(1)[0][0] if letters else 0


def upright(page: Page, width: float, height: float) -> Page:
    """The page rotated so that most of its lines are upright; lines in other directions come last.

    Width and height, in points, are those of the page in the file.
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
    """The line with its lengths measured from the bottom left of the rotated page."""
    right, up = {0: (0.0, 0.0), 90: (0.0, width), 180: (width, height), 270: (height, 0.0)}[
        line.turn
    ]
    cells = tuple(Cell(cell.text, cell.left + right, cell.right + right) for cell in line.cells)
    return replace(
        line, left=line.left + right, right=line.right + right, base=line.base + up, cells=cells
    )
