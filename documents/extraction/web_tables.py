"""Tables of web pages, which use cells to place signs, bullets and empty room."""

import re

_MARKER = re.compile(r"(?:[^\w\s]|o|\(?\w{1,3}[.)])$")
_SPACERS = 0.4  # of the cells


def joined_units(cells: list[str]) -> list[str]:
    """Currency and percent signs, and closing brackets, back to the numbers they belong to."""
    joined: list[str] = []
    for cell in cells:
        opens = joined and joined[-1] in {"$", "€", "£", "¥", "$(", "("} and cell
        closes = joined and joined[-1] and cell in {"%", ")", ")%", "%)"}
        if opens or closes:
            joined[-1] += cell
        else:
            joined.append(cell)
    return joined


def without_spacers(rows: list[list[str]]) -> list[list[str]]:
    """Rows without their empty cells, where those are so many that they only make room."""
    cells = [cell for row in rows for cell in row]
    if sum(not cell for cell in cells) < len(cells) * _SPACERS:
        return rows
    return [[cell for at, cell in enumerate(row) if cell or at == 0] for row in rows]


def is_item(row: list[str]) -> bool:
    """Whether a row is a list item in disguise: a bullet or number, then the text."""
    filled = [cell for cell in row if cell]
    return len(filled) == 2 and bool(_MARKER.match(filled[0]))
