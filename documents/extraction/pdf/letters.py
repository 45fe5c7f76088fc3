"""The characters of a PDF page, with their geometry as PDFium reports it."""

import ctypes
import math
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from documents.extraction.directions import TO_THE_LEFT

_FORCE_BOLD = 1 << 18
_BOLD_NAME = re.compile(rb"bold|black|heavy|demi|medi(?!um)|-bd|cmbx|cmb\d|sfb[xi]", re.IGNORECASE)
_LONGEST_NAME = 128
_LETTER, _SIGN = rf"[^\W\d_{TO_THE_LEFT}]", rf"[^\W_{TO_THE_LEFT}]"
# Words and everything between them, and numbers, within right-to-left text.
_FROM_LEFT = re.compile(
    rf"{_LETTER}(?:[^\r\n{TO_THE_LEFT}]*{_SIGN})?|{_SIGN}(?:[^\s{TO_THE_LEFT}]*{_SIGN})?"
)


def _plain(function: Any, returns: Any = ctypes.c_int) -> Callable[..., Any]:
    """A PDFium function without argument checks. Some ten calls are made for every line, and the
    checks of pypdfium2 and ctypes take longer than the functions themselves.

    Pass pointers as ctypes objects; a number is passed as an int.
    """
    address: Any = ctypes.cast(function, ctypes.c_void_p).value
    return ctypes.PYFUNCTYPE(returns)(address)


_get_box = _plain(pdfium.FPDFText_GetLooseCharBox)
_get_origin = _plain(pdfium.FPDFText_GetCharOrigin)
_get_matrix = _plain(pdfium.FPDFText_GetMatrix)
_get_size = _plain(pdfium.FPDFText_GetFontSize, returns=ctypes.c_double)
_get_font = _plain(pdfium.FPDFText_GetFontInfo, returns=ctypes.c_ulong)
_index_of = _plain(pdfium.FPDFText_GetCharIndexFromTextIndex)

Edge = Callable[[int], float]
# Where the gap begins and ends in the line's text, and where the adjacent characters end and begin
# on the page.
Blank = tuple[int, int, float, float]


class Letters:
    """Geometry of one page's characters, by their index in its text. Lengths are in points.

    The page has to stay open.
    """

    def __init__(self, textpage: pypdfium2.PdfTextPage, text: str) -> None:
        self._page = ctypes.cast(textpage.raw, ctypes.c_void_p)
        # PDFium's character indexes differ from positions in the text by the characters that it
        # leaves out; most pages have none of these.
        self.leaves_out = pdfium.FPDFText_CountChars(textpage) != len(text)
        places = range(len(text))
        self._index = [_index_of(self._page, at) for at in places] if self.leaves_out else places
        self._rect, self._matrix = pdfium.FS_RECTF(), pdfium.FS_MATRIX()
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._name, self._flags = ctypes.create_string_buffer(_LONGEST_NAME), ctypes.c_int()
        self._to_rect, self._to_matrix = map(ctypes.byref, (self._rect, self._matrix))
        self._to_origin = tuple(map(ctypes.byref, (self._x, self._y)))
        self._to_font = self._name, ctypes.c_ulong(_LONGEST_NAME), ctypes.byref(self._flags)

    def lacks_before(self, at: int) -> bool:
        """Whether PDFium has left out a character before this one."""
        return self._index[at] > (self._index[at - 1] + 1 if at else 0)

    def left(self, at: int) -> float:
        _get_box(self._page, self._index[at], self._to_rect)
        left: float = self._rect.left
        return left

    def right(self, at: int) -> float:
        _get_box(self._page, self._index[at], self._to_rect)
        right: float = self._rect.right
        return right

    def base(self, at: int, turn: int) -> float:
        """The baseline of a character: its distance from the bottom side of the page turned by
        `turn`."""
        _get_origin(self._page, self._index[at], *self._to_origin)
        x, y = self._x.value, self._y.value
        return y if turn == 0 else {90: -x, 180: -y, 270: x}[turn]

    def around(self, blanks: Iterable[re.Match[str]], at: int, turn: int) -> Iterator[Blank]:
        """The gaps around the blanks of a line that begins at `at`."""
        start, end = self.edges(turn)
        page, index, rect, to_rect = self._page, self._index, self._rect, self._to_rect
        for match in blanks:
            before, after = match.span()
            if turn:
                yield before, after, end(at + before - 1), start(at + after)
                continue
            # The same as those functions in two thirds of the time; most calls are of this kind.
            _get_box(page, index[at + before - 1], to_rect)
            right = rect.right
            _get_box(page, index[at + after], to_rect)
            yield before, after, right, rect.left

    def edges(self, turn: int) -> tuple[Edge, Edge]:
        """Functions for where a character begins and ends along lines of this rotation.

        They measure from the corner that is at the bottom left of the rotated page.
        """
        if not turn:
            return self.left, self.right
        return partial(self._edge, turn, 0), partial(self._edge, turn, 1)

    def _edge(self, turn: int, end: int, at: int) -> float:
        rect = self._rect
        _get_box(self._page, self._index[at], self._to_rect)
        along = {
            90: (rect.bottom, rect.top),
            180: (-rect.right, -rect.left),
            270: (-rect.top, -rect.bottom),
        }
        edge: float = along[turn][end]
        return edge

    def size_and_turn(self, at: int) -> tuple[float, int]:
        """Font size on the page, rounded to half points, and direction of the text."""
        index, matrix = self._index[at], self._matrix
        _get_matrix(self._page, index, self._to_matrix)
        b, c, d = matrix.b, matrix.c, matrix.d
        height = d if d > 0 and c == 0 else math.hypot(c, d)
        turn = 0 if d > 0 and b == 0 else _turn(matrix.a, b, d)
        return round(_get_size(self._page, index) * height * 2) / 2, turn

    def is_bold(self, at: int) -> bool:
        if not _get_font(self._page, self._index[at], *self._to_font):
            return False
        return bool(self._flags.value & _FORCE_BOLD) or _is_bold_name(self._name.value)

    def font(self, at: int) -> bytes:
        """The name of the character's font; empty if unknown."""
        known = _get_font(self._page, self._index[at], *self._to_font)
        return self._name.value if known else b""


class MirroredLetters(Letters):
    """The same for a right-to-left page: lengths are measured from the right edge to the left.

    So everything that compares starts of lines and columns works on these pages too. Left-to-right
    words and numbers inside are treated as one unit.
    """

    def __init__(self, textpage: pypdfium2.PdfTextPage, text: str) -> None:
        super().__init__(textpage, text)
        spans = (match.span() for match in _FROM_LEFT.finditer(text))
        self._ends = {at: (start, end - 1) for start, end in spans for at in range(start, end)}

    def left(self, at: int) -> float:
        return -super().right(self._ends[at][1] if at in self._ends else at)

    def right(self, at: int) -> float:
        return -super().left(self._ends[at][0] if at in self._ends else at)

    def around(self, blanks: Iterable[re.Match[str]], at: int, turn: int) -> Iterator[Blank]:
        start, end = self.edges(turn)
        for match in blanks:
            before, after = match.span()
            yield before, after, end(at + before - 1), start(at + after)


def _turn(a: float, b: float, d: float) -> int:
    if abs(b) > abs(a):
        return 90 if b > 0 else 270
    return 180 if a < 0 and d < 0 else 0


@lru_cache(512)
def _is_bold_name(name: bytes) -> bool:
    return bool(_BOLD_NAME.search(name))
