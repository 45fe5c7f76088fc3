"""How many tokens a multilingual embedding model makes of a text, without asking it."""

import re

# Fitted to the XLM-RoBERTa vocabulary of the multilingual E5 models on prose, tables and Chinese.
_PER_CJK = 1 / 1.5
_PER_LETTER = 1 / 4.5  # A to Z and blanks
_PER_OTHER = 0.6  # figures, signs and the letters of other scripts
_CJK_RANGES = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_CJK = re.compile(f"[{_CJK_RANGES}]+")
_OTHER = re.compile(rf"[^A-Za-z\s{_CJK_RANGES}]")


def estimate_tokens(text: str) -> int:
    """About the number of tokens; at least 1."""
    cjk = 0 if text.isascii() else sum(map(len, _CJK.findall(text)))
    other = len(_OTHER.findall(text))
    letters = len(text) - cjk - other
    return int(cjk * _PER_CJK + other * _PER_OTHER + letters * _PER_LETTER) + 1
