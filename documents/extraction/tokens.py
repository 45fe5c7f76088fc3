"""Estimates how many tokens a multilingual embedding model makes of a text."""

import re
import string

# Fitted to the XLM-RoBERTa vocabulary of the multilingual E5 models on prose, tables and Chinese.
_PER_CJK = 1 / 1.5
_PER_LETTER = 1 / 4.5  # A to Z and blanks
_PER_OTHER = 0.6  # digits, punctuation and letters of other scripts
MOST_CHARS_PER_TOKEN = 4.5

# UTF-8 bytes are counted, in a tenth of the time of searching the text.
_LETTERS = (string.ascii_letters + string.whitespace).encode()
# First bytes of U+3000 to U+9FFF and U+B000 to U+CFFF; what is left of U+2E80 to U+9FFF, U+AC00 to
# U+D7AF, U+F900 to U+FAFF, U+FF00 to U+FFEF and U+20000 to U+3FFFF.
_CJK_FIRST = bytes([*range(0xE3, 0xEA), 0xEB, 0xEC])
_CJK_REST = re.compile(
    rb"\xe2[\xba-\xbf]|\xea[\xb0-\xbf]|\xed[\x80-\x9d]|\xed\x9e[\x80-\xaf]|\xef[\xa4-\xab]"
    rb"|\xef[\xbc-\xbe]|\xef\xbf[\x80-\xaf]|\xf0[\xa0-\xbf]"
)


def estimate_tokens(text: str) -> int:
    """About the number of tokens of a normalised text; at least 1."""
    raw = text.encode()
    letters = len(raw) - len(raw.translate(None, _LETTERS))
    cjk = 0 if text.isascii() else _count_cjk(raw)
    other = len(text) - cjk - letters
    return int(cjk * _PER_CJK + other * _PER_OTHER + letters * _PER_LETTER) + 1


def _count_cjk(raw: bytes) -> int:
    first = len(raw) - len(raw.translate(None, _CJK_FIRST))
    return first + len(_CJK_REST.findall(raw))
