"""Raised signs, as in 10⁶ and m²: written so where Unicode has them, else they would run on."""

import re

from documents.extraction.formulas import grouped

_PLAIN, _RAISED = "0123456789+=()ni-−–", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁼⁽⁾ⁿⁱ⁻⁻⁻"
_UP = str.maketrans(_PLAIN, _RAISED)
_DOWN = str.maketrans(_RAISED[:-2], _PLAIN[:-2])
_BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_FIRST = f"{_PLAIN} \t\n\xa0"
_LONGEST = 30  # characters, and pieces, of an exponent
_ALL_KNOWN = re.compile(rf"\s*[{re.escape(_PLAIN)}]+\s*")
_NUMBER = re.compile(r"[+\-−–]?\d")
_BEFORE = 5  # pieces, most of them empty, to find the sign before a raised text in


def raised(text: str) -> str:
    """A raised text, as it is unless all of its signs have a raised form."""
    return text.translate(_UP) if _ALL_KNOWN.fullmatch(text) else text


def may_be_raised(texts: list[str], start: int) -> bool:
    """Whether to ask if what was gathered from `start` on is raised: it seldom could be."""
    return len(texts) > start and texts[start][:1] in _FIRST


def raise_last(texts: list[str], start: int) -> None:
    """The texts that were gathered from `start` on are raised, together."""
    pieces = len(texts) - start
    if pieces > _LONGEST or sum(map(len, texts[start:])) > _LONGEST:
        return  # also for the sake of time, as raised texts may lie in each other
    text = "".join(texts[start:])
    up = raised(text)
    if up == text and _NUMBER.match(text.strip()) and _follows_digit(texts, start):
        up = f"^{grouped(text.strip())}"  # 10^1.5, which is not 101.5
    if up != text:
        texts[start:] = [up]


def sink_last(texts: list[str], start: int, after: str) -> None:
    """A number below the line, as in log₂8, is written so where it would run into another."""
    text = "".join(texts[start:])
    is_number = text.isascii() and text.isdigit() and len(text) < _LONGEST
    if is_number and (after[:1].isdigit() or _follows_digit(texts, start)):
        texts[start:] = [text.translate(_BELOW)]


def _follows_digit(texts: list[str], start: int) -> bool:
    return "".join(texts[max(start - _BEFORE, 0) : start])[-1:].isdecimal()


def lowered(text: str) -> str:
    """The text as it is written on the line."""
    return text if text.isascii() else text.translate(_DOWN)
