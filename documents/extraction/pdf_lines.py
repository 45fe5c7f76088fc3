"""The lines of a PDF's page as its text layer has them, with their geometry."""

import re
from collections.abc import Iterator

import pypdfium2

from documents.extraction.lines import Cell, Line
from documents.extraction.pdf_letters import Letters

# Ends of visual lines: PDFium runs words together that the typesetter hyphenated, and puts one of
# these in the place of the hyphen.
_ENDS = re.compile("[^\n\x02\ufffe\xad]*[\n\x02\ufffe\xad]?")
_SOFT_HYPHENS = ("\x02", "\ufffe", "\xad")
_GAP = re.compile(" +")
_NUMBERS = re.compile(r"(?<!\S)[(+\-–$€£]?\d[\d.,%()]*(?!\S)")
_WIDE = 0.54  # of its type's size for each letter; running text has less
_TWO_NUMBERS = re.compile(r"\d.* .*\d")
_PROBE_EVERY, _PROBE_LENGTH = 8, 30
_CELL_GAP = 0.9  # sizes of the type
_CELL_GAP_OF_NUMBERS = 0.6


def lines_of(textpage: pypdfium2.PdfTextPage, text: str, number: int) -> list[Line]:
    """The page's lines. Gaps are looked for where they are likely, and in one line of eight:
    if one shows there, everywhere."""
    letters = Letters(textpage, text)
    places = [
        (line, match.start() + len(match[0]) - len(match[0].lstrip()))
        for match in _ENDS.finditer(text)
        if (line := match[0].strip()) and line not in _SOFT_HYPHENS
    ]
    probes = ((line, at) for line, at in places[3::_PROBE_EVERY] if len(line) > _PROBE_LENGTH)
    gaps = any(
        _cells(letters, line, at, letters.size_and_turn(at + _middle(line))[0])
        for line, at in probes
    )
    return [_line(letters, line, at, number, gaps=gaps) for line, at in places]


def _line(letters: Letters, text: str, at: int, number: int, *, gaps: bool) -> Line:
    """A line that begins at a place in the page's text."""
    soft_hyphen = text.endswith(_SOFT_HYPHENS)
    middle, last = at + _middle(text), max(at, at + len(text) - 1 - soft_hyphen)
    size, turn = letters.size_and_turn(middle)
    if turn:
        left, right, base = _turned(letters, at, last, middle, turn)
    else:
        left, right, base = letters.left(at), letters.right(last), letters.origin(middle)[1]
    return Line(
        text=text[:-1] + "\xad" if soft_hyphen else text,
        left=left,
        right=right,
        base=base,
        size=size,
        bold=letters.is_bold(middle) and letters.is_bold(at) and letters.is_bold(last),
        page=number,
        turn=turn,
        cells=_cells(letters, text, at, size)
        if not turn and (gaps or _may_have_gaps(text, right - left, size))
        else (),
    )


def _turned(
    letters: Letters, first: int, last: int, middle: int, turn: int
) -> tuple[float, float, float]:
    """Left, right and base of a line on the page turned so that the line lies level.

    They count from the corner that was the page's bottom left before; `upright` moves them.
    """
    start, end = letters.box(first), letters.box(last)
    x, y = letters.origin(middle)
    if turn == 90:
        return start[1], end[3], -x
    if turn == 270:
        return -start[3], -end[1], x
    return -start[2], -end[0], -y


def _may_have_gaps(text: str, width: float, size: float) -> bool:
    """Whether a line is so wide for its letters, or so full of numbers, that gaps are worth it."""
    if not size or " " not in text:
        return False
    if width > len(text) * size * _WIDE:
        return True
    return bool(_TWO_NUMBERS.search(text)) and _is_numeric(text)


def _is_numeric(text: str) -> bool:
    return len(_NUMBERS.findall(text)) * 3 > text.count(" ") + 1


def _cells(letters: Letters, text: str, at: int, size: float) -> tuple[Cell, ...]:
    """The line in parts, if it has gaps wider than those between words."""
    gaps = list(_gaps(letters, text, at, size))
    if not gaps:
        return ()
    starts = [0, *(end for _, end, _, _ in gaps)]
    ends = [*(start for start, _, _, _ in gaps), len(text)]
    lefts = [letters.left(at), *(after for _, _, _, after in gaps)]
    rights = [*(before for _, _, before, _ in gaps), letters.right(at + len(text) - 1)]
    return tuple(
        Cell(text[start:end], left, right)
        for start, end, left, right in zip(starts, ends, lefts, rights, strict=True)
    )


def _gaps(
    letters: Letters, text: str, at: int, size: float
) -> Iterator[tuple[int, int, float, float]]:
    """Where the wide gaps begin and end, in the text and on the page."""
    least = size * _CELL_GAP_OF_NUMBERS
    numeric = None
    for match in _GAP.finditer(text):
        start, end = match.span()
        before, after = letters.right(at + start - 1), letters.left(at + end)
        if after - before > least:
            if numeric is None:  # seldom worth asking
                numeric = _is_numeric(text)
            if numeric or after - before > size * _CELL_GAP:
                yield start, end, before, after


def _middle(text: str) -> int:
    """The letter nearest to the middle: signs and superscripts at the ends have other measures."""
    half = len(text) // 2
    if text[half].isalnum():
        return half
    for far in range(1, 9):
        if far <= half and text[half - far].isalnum():
            return half - far
        if far < 8 and half + far < len(text) and text[half + far].isalnum():
            return half + far
    return half
