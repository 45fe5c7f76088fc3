"""Superscript numbers in PDFs, as in 10⁶ or in footnote marks, which would otherwise read as
106."""

import re

from documents.extraction.pdf.letters import Letters
from documents.extraction.superscripts import superscript

_NUMBER = re.compile(r"[0-9]+(?:,[0-9]+)*+(?!\w|\.[0-9])")
# TeX fonts that have a prime in place of a zero.
_MATHS_SIGNS = re.compile(rb"CMSY|MathSymbols")
_SIGNS = frozenset("+-−–")
_BREAK = 4  # characters in a line break, at most
_NEAR = 0.3  # in font sizes, between letters of one word
_ABOVE = 0.15  # in font sizes of the line, at least …
_SMALLER = 0.9  # … and in type of at most this size


def with_superscripts(letters: Letters, text: str) -> str:
    """A page's text with its superscript numbers written as such; same length."""
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
    number = "".join(map(superscript, text[start:end]))
    is_prime = number[0] == "⁰" and _MATHS_SIGNS.search(letters.font(start))
    return number.replace("⁰", "′") if is_prime else number


def _before(letters: Letters, text: str, start: int) -> int:
    """The letter that a number would be superscript to: before it and its sign, else the first
    letter."""
    at = start - 1
    if at > 0 and text[at] in _SIGNS:
        at -= 1
    if at < 0 or not text[at].isspace():
        return max(at, 0)
    return _beside(letters, text, start) if text[at] == "\n" else start


def _beside(letters: Letters, text: str, start: int) -> int:
    """The letter that a number stands next to though a line has ended in between, else the first
    letter.

    PDFium ends a line where the next letter is too high.
    """
    at = len(text[max(start - _BREAK, 0) : start].rstrip()) + max(start - _BREAK, 0) - 1
    if at < 0:
        return start
    gap = letters.left(start) - letters.right(at)
    size, _ = letters.size_and_turn(at)
    return at if abs(gap) < size * _NEAR else start


def _is_raised(letters: Letters, at: int, before: int) -> bool:
    height = letters.base(at, 0) - letters.base(before, 0)
    if height <= 0:  # nearly always
        return False
    size, _ = letters.size_and_turn(before)
    return size * _ABOVE < height < size and letters.size_and_turn(at)[0] <= size * _SMALLER
