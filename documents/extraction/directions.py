"""Which way a text is written."""

import re

TO_THE_LEFT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"  # for sets of patterns
_FREQUENT = "ايוי"  # a letter or two of each script that is so written
_LETTER = re.compile(f"[{TO_THE_LEFT}]")


def runs_left(text: str) -> bool:
    """Whether most of a text is written from right to left, as Hebrew and Arabic are."""
    if not any(letter in text for letter in _FREQUENT):  # at once for most texts
        return False
    return len(_LETTER.findall(text)) * 2 > sum(map(str.isalpha, text))
