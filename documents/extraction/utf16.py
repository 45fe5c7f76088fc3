"""Detects UTF-16 without a byte order mark, which looks like binary data until it is decoded."""

import re
import unicodedata

_SAMPLE = 4096
# Bytes that ASCII-compatible encodings never or hardly ever use in a text.
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_FOREIGN = {"Cc", "Cn", "Co", "Cs"}  # categories that no text contains, apart from line ends
_COMMON = re.compile("[ \n0-9a-z\u3001\u3002\uff0c]")
_RAREST = 0.01  # of the characters; Thai, with blanks only between sentences, has twice as many


def utf16_of(head: bytes) -> str:
    """The name of the UTF-16 encoding of these bytes; "" if they are not UTF-16."""
    sample = head[: min(len(head), _SAMPLE) // 2 * 2]
    controls = len(_CONTROL.findall(sample)) * 2
    if len(sample) < 8 or controls * 100 < len(sample):
        return ""
    if controls * 3 < len(sample) and _is_utf8(sample):
        return ""
    readings = {name: _read(sample, name) for name in ("utf-16-le", "utf-16-be")}
    name = max(readings, key=lambda name: _plausible(readings[name]))
    return name if _plausible(readings[name]) > _RAREST else ""


def _read(sample: bytes, name: str) -> str:
    """The decoded sample; it may end in the middle of a surrogate pair."""
    return sample.decode(name, "replace").removesuffix("\ufffd")


def _is_utf8(sample: bytes) -> bool:
    text = sample.decode("utf-8", "replace")
    return "\ufffd" not in text[:-1]


def _plausible(text: str) -> float:
    """How much it looks like text: the share of common characters; 0 if it can't be text."""
    foreign = sum(
        char == "\ufffd" or (unicodedata.category(char) in _FOREIGN and char not in "\t\r\n\f")
        for char in text
    )
    if not text or foreign * 500 > len(text):
        return 0
    return len(_COMMON.findall(text)) / len(text)
