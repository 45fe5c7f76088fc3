"""Raised numbers in PDFs, as in 10⁶ or at a word with a note, which would run on: 106."""

import re

from documents.extraction.pdf.letters import Letters
from documents.extraction.raised import raised

_NUMBER = re.compile(r"[0-9]+(?:,[0-9]+)*+(?!\w|\.[0-9])")
# Fonts of TeX that have a prime where others have a zero.
_MATHS_SIGNS = re.compile(rb"CMSY|MathSymbols")
_SIGNS = frozenset("+-−–")
_BREAK = 4  # characters of the end of a line, at most
_NEAR = 0.3  # sizes of the type, for letters of one word
_ABOVE = 0.15  # sizes of the type that the line is set in, at least …
_SMALLER = 0.9  # … and in a type of this size at most


def with_raised(letters: Letters, text: str) -> str:
    """A page's text with the numbers so written that are. It is as long as before."""
    pieces, done = list[str](), 0
    for match in _NUMBER.finditer(text):
        start, end = match.span()
        before = _before(letters, text, start)
        if before < end - 1 and _is_raised(letters, end - 1, before):
            places = range(max(before + 1, start - 1), end)
            first = next(at for at in places if _is_raised(letters, at, before))
            pieces += [text[done:first], _written(letters, text, first, end)]
            done = end
    return "".join([*pieces, text[done:]]) if pieces else text


def _written(letters: Letters, text: str, start: int, end: int) -> str:
    number = "".join(map(raised, text[start:end]))
    is_prime = number[0] == "⁰" and _MATHS_SIGNS.search(letters.font(start))
    return number.replace("⁰", "′") if is_prime else number


def _before(letters: Letters, text: str, start: int) -> int:
    """The letter that a number would be raised above: before it and its sign, else its first."""
    at = start - 1
    if at > 0 and text[at] in _SIGNS:
        at -= 1
    if at < 0 or not text[at].isspace():
        return max(at, 0)
    return _beside(letters, text, start) if text[at] == "\n" else start


def _beside(letters: Letters, text: str, start: int) -> int:
    """The letter that a number stands at though a line has ended between them, else its first.

    PDFium lets a line end where the next letter stands too high.
    """
    at = len(text[max(start - _BREAK, 0) : start].rstrip()) + max(start - _BREAK, 0) - 1
    if at < 0:
        return start
    gap = letters.left(start) - letters.right(at)
    size, _ = letters.size_and_turn(at)
    return at if abs(gap) < size * _NEAR else start


def _is_raised(letters: Letters, at: int, before: int) -> bool:
    height = letters.base(at, 0) - letters.base(before, 0)
    if height <= 0:  # as nearly always
        return False
    size, _ = letters.size_and_turn(before)
    return size * _ABOVE < height < size and letters.size_and_turn(at)[0] <= size * _SMALLER
