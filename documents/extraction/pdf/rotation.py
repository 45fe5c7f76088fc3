"""Where the lines are on their page, which may be part of a sheet, and may lie on its side."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from statistics import fmean

from documents.extraction.lines import Cell, Line, Page

Box = tuple[float, float, float, float]  # the visible part: left, bottom, right, top
_SIDEWAYS = (90, 270)
_LONG_LINE = 25  # letters on average: running text rather than labels of a figure


def usual_turn(lines: Iterable[Line]) -> int:
    """The direction of most of the text, in degrees counter-clockwise; 0 if there is none."""
    letters: Counter[int] = Counter()
    for line in lines:
        letters[line.turn] += len(line.text)
    return letters.most_common(1)[0][0] if letters else 0


def placed(lines: list[Line], box: Box, *, mirrored: bool) -> list[Line]:
    """The lines inside the box, with lengths from its corner; all of them if none is inside.

    Printers' marks, and the other pages of a sheet that was cut up, lie outside.
    """
    left, bottom, right, top = box
    width, height = right - left, top - bottom
    if left or bottom or mirrored or any(line.turn for line in lines):
        moves = _moves(box, mirrored=mirrored)
        lines = [_moved(line, *moves[line.turn]) for line in lines]
    return [line for line in lines if _is_in(line, width, height)] or lines


def _is_in(line: Line, width: float, height: float) -> bool:
    if line.turn in _SIDEWAYS:
        width, height = height, width
    return line.right >= 0 and line.left <= width and -line.size * 0.5 <= line.base <= height


def upright(page: Page) -> Page:
    """The page rotated so that most of its lines are upright; lines in other directions come last.

    Its width and height are those of the page in the file.
    """
    turn = usual_turn(page.lines)
    level = [line for line in page.lines if line.turn == turn]
    others = [line for line in page.lines if line.turn != turn]
    if others and fmean(len(line.text) for line in others) > _LONG_LINE:
        others.sort(key=lambda line: (line.turn, -line.base, line.left))
    width, height = page.width, page.height
    if turn in _SIDEWAYS:
        width, height = height, width
    return replace(page, width=width, height=height, lines=level, sideways=others)


def _moves(box: Box, *, mirrored: bool) -> dict[int, tuple[float, float]]:
    """How far to move lines of each direction along themselves and up."""
    left, bottom, right, top = box
    return {
        0: (right if mirrored else -left, -bottom),
        90: (-bottom, right),
        180: (right, top),
        270: (top, -left),
    }


def _moved(line: Line, along: float, up: float) -> Line:
    cells = tuple(Cell(cell.text, cell.left + along, cell.right + along) for cell in line.cells)
    return replace(
        line, left=line.left + along, right=line.right + along, base=line.base + up, cells=cells
    )
