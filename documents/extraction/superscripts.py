"""Superscripts such as 10⁶ and m², in Unicode's characters where these exist: not 106 and m2."""

import re

from documents.extraction.formulas import grouped

_PLAIN, _RAISED = "0123456789+=()ni-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁼⁽⁾ⁿⁱ⁻⁻⁻"
_UP = str.maketrans(_PLAIN, _RAISED)
_DOWN = str.maketrans(_RAISED[:-2], _PLAIN[:-2])
_BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_FIRST = f"{_PLAIN} \t\n\xa0"
_LONGEST = 30  # characters and pieces of an exponent
_ALL_KNOWN = re.compile(rf"\s*[{re.escape(_PLAIN)}]+\s*")
_NUMBER = re.compile(r"[+\-−–]?\d")
_BEFORE = 5  # pieces, most of them empty, to look back for the character before a superscript


def superscript(text: str) -> str:
    """The text as superscript, or unchanged unless all of its characters have a superscript
    form."""
    return text.translate(_UP) if _ALL_KNOWN.fullmatch(text) else text


def may_be_superscript(texts: list[str], start: int) -> bool:
    """Whether the text gathered from `start` on could be superscript at all: it seldom could."""
    return len(texts) > start and texts[start][:1] in _FIRST


def superscript_last(texts: list[str], start: int) -> None:
    """Make the texts gathered from `start` on one superscript."""
    pieces = len(texts) - start
    if pieces > _LONGEST or sum(map(len, texts[start:])) > _LONGEST:
        return  # bounds the time too, as superscripts may be nested
    text = "".join(texts[start:])
    up = superscript(text)
    if up == text and _NUMBER.match(text.strip()) and _follows_digit(texts, start):
        up = f"^{grouped(text.strip())}"  # 10^1.5 must not become 101.5
    if up != text:
        texts[start:] = [up]


def subscript_last(texts: list[str], start: int, after: str) -> None:
    """Make a number subscript, as in log₂8, if it would otherwise merge with another number."""
    text = "".join(texts[start:])
    is_number = text.isascii() and text.isdigit() and len(text) < _LONGEST
    if is_number and (after[:1].isdigit() or _follows_digit(texts, start)):
        texts[start:] = [text.translate(_BELOW)]


def _follows_digit(texts: list[str], start: int) -> bool:
    return "".join(texts[max(start - _BEFORE, 0) : start])[-1:].isdecimal()


def on_the_line(text: str) -> str:
    """The text with superscripts as normal characters."""
    return text if text.isascii() else text.translate(_DOWN)
