"""Pages whose lines run up, down or upside down."""

from collections import Counter
from dataclasses import replace

from documents.extraction.lines import Line, Page


def upright(page: Page, width: float, height: float) -> Page:
    """The page the way most of its lines run; those that run another way come last.

    Width and height, in points, are those of the page as it lies in the file.
    """
    turn = Counter(line.turn for line in page.lines).most_common(1)[0][0]
    level = [_moved(line, width, height) for line in page.lines if line.turn == turn]
    others = [_moved(line, width, height) for line in page.lines if line.turn != turn]
    if turn in {90, 270}:
        width, height = height, width
    return replace(page, width=width, height=height, lines=level, sideways=others)


def _moved(line: Line, width: float, height: float) -> Line:
    """The line with its lengths counted from the bottom left of the turned page."""
    right, up = {0: (0.0, 0.0), 90: (0.0, width), 180: (width, height), 270: (height, 0.0)}[
        line.turn
    ]
    return replace(line, left=line.left + right, right=line.right + right, base=line.base + up)
