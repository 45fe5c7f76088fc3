"""The lines of a PDF's page as its text layer has them, with their geometry."""

import ctypes
import math
import re
from collections.abc import Callable
from functools import partial

import pypdfium2
import pypdfium2.raw as pdfium

from documents.extraction.lines import Cell, Line

Index = Callable[[int], int]

_FORCE_BOLD = 1 << 18
_BOLD_NAME = re.compile(rb"bold|black|heavy|demi|medi(?!um)|-bd|cmbx|cmb\d", re.IGNORECASE)
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
    index = _indexes(textpage, text)
    places = [
        (line, match.start() + len(match[0]) - len(match[0].lstrip()))
        for match in _ENDS.finditer(text)
        if (line := match[0].strip()) and line not in _SOFT_HYPHENS
    ]
    probes = ((line, at) for line, at in places[3::_PROBE_EVERY] if len(line) > _PROBE_LENGTH)
    gaps = any(
        _cells(textpage, index, line, at, _size_and_turn(textpage, index(at + _middle(line)))[0])
        for line, at in probes
    )
    return [_line(textpage, index, line, at, number, gaps=gaps) for line, at in places]


def _line(
    textpage: pypdfium2.PdfTextPage, index: Index, text: str, at: int, number: int, *, gaps: bool
) -> Line:
    """A line that begins at a place in the page's text."""
    soft_hyphen = text.endswith(_SOFT_HYPHENS)
    first, middle, last = (
        index(at + place) for place in (0, _middle(text), len(text) - 1 - soft_hyphen)
    )
    left, right = _box(textpage, first).left, _box(textpage, max(first, last)).right
    size, turn = _size_and_turn(textpage, middle)
    base = _base(textpage, middle)
    if turn:
        left, right, base = _turned(textpage, first, max(first, last), middle, turn)
    return Line(
        text=text[:-1] + "\xad" if soft_hyphen else text,
        left=left,
        right=right,
        base=base,
        size=size,
        bold=all(_is_bold(textpage, at) for at in {first, middle, max(first, last)}),
        page=number,
        turn=turn,
        cells=_cells(textpage, index, text, at, size)
        if not turn and (gaps or _may_have_gaps(text, right - left, size))
        else (),
    )


def _turned(
    textpage: pypdfium2.PdfTextPage, first: int, last: int, middle: int, turn: int
) -> tuple[float, float, float]:
    """Left, right and base of a line on the page turned so that the line lies level.

    They count from the corner that was the page's bottom left before; `upright` moves them.
    """
    start, end = _box(textpage, first), _box(textpage, last)
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetCharOrigin(textpage, middle, x, y)
    if turn == 90:
        return start.bottom, end.top, -x.value
    if turn == 270:
        return -start.top, -end.bottom, x.value
    return -start.right, -end.left, -y.value


def _may_have_gaps(text: str, width: float, size: float) -> bool:
    """Whether a line is so wide for its letters, or so full of numbers, that gaps are worth it."""
    if not size or " " not in text:
        return False
    if width > len(text) * size * _WIDE:
        return True
    return bool(_TWO_NUMBERS.search(text)) and _is_numeric(text)


def _is_numeric(text: str) -> bool:
    return len(_NUMBERS.findall(text)) * 3 > text.count(" ") + 1


def _cells(
    textpage: pypdfium2.PdfTextPage, index: Index, text: str, at: int, size: float
) -> tuple[Cell, ...]:
    """The line in parts, if it has gaps wider than those between words."""
    cells, start = list[Cell](), 0
    least = size * (_CELL_GAP_OF_NUMBERS if _is_numeric(text) else _CELL_GAP)
    left = _box(textpage, index(at)).left
    for match in _GAP.finditer(text):
        right = _box(textpage, index(at + match.start() - 1)).right
        after = _box(textpage, index(at + match.end())).left
        if after - right > least:
            cells.append(Cell(text[start : match.start()], left, right))
            start, left = match.end(), after
    if not cells:
        return ()
    right = _box(textpage, index(at + len(text) - 1)).right
    return (*cells, Cell(text[start:], left, right))


def _indexes(textpage: pypdfium2.PdfTextPage, text: str) -> Index:
    """From places in the page's text to PDFium's numbers of its letters.

    They differ by the letters that it leaves out of the text; most pages have none.
    """
    if pdfium.FPDFText_CountChars(textpage) == len(text):
        return int
    return partial(pdfium.FPDFText_GetCharIndexFromTextIndex, textpage)


def _middle(text: str) -> int:
    """The letter nearest to the middle: signs and superscripts at the ends have other measures."""
    half = len(text) // 2
    if text[half].isalnum():
        return half
    nearest = sorted(
        range(max(0, half - 8), min(len(text), half + 8)), key=lambda at: abs(at - half)
    )
    return next((at for at in nearest if text[at].isalnum()), half)


def _box(textpage: pypdfium2.PdfTextPage, index: int) -> pdfium.FS_RECTF:
    rect = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(textpage, index, rect)
    return rect


def _base(textpage: pypdfium2.PdfTextPage, index: int) -> float:
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetCharOrigin(textpage, index, x, y)
    return y.value


def _size_and_turn(textpage: pypdfium2.PdfTextPage, index: int) -> tuple[float, int]:
    """The size of the type on the page, rounded to half points, and which way it runs."""
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(textpage, index, matrix)
    size: float = pdfium.FPDFText_GetFontSize(textpage, index)
    turn = 0
    if abs(matrix.b) > abs(matrix.a):
        turn = 90 if matrix.b > 0 else 270
    elif matrix.a < 0 and matrix.d < 0:
        turn = 180
    return round(size * math.hypot(matrix.c, matrix.d) * 2) / 2, turn


def _is_bold(textpage: pypdfium2.PdfTextPage, index: int) -> bool:
    name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(textpage, index, name, 128, flags)
    return bool(flags.value & _FORCE_BOLD) or bool(_BOLD_NAME.search(name.value))
