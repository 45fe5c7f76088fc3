"""The direction that a text is written in."""

import re

TO_THE_LEFT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"  # for character classes of patterns
_FREQUENT = "ايוי"  # a frequent letter or two of each right-to-left script
_LETTER = re.compile(f"[{TO_THE_LEFT}]")


def runs_left(text: str) -> bool:
    """Whether most of a text is written from right to left, like Hebrew and Arabic."""
    if not any(letter in text for letter in _FREQUENT):  # quick for most texts
        return False
    return len(_LETTER.findall(text)) * 2 > sum(map(str.isalpha, text))
