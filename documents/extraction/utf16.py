"""UTF-16 without a byte order mark, which looks like binary data until it is decoded."""

import re
import unicodedata

_SAMPLE = 4096
# Bytes that no encoding which contains ASCII uses in a text, or hardly ever.
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_FOREIGN = {"Cc", "Cn", "Co", "Cs"}  # what text has none of, line ends apart
_COMMON = re.compile("[ \n0-9a-z\u3001\u3002\uff0c]")
_RAREST = 0.01  # of the characters; Thai, which parts sentences only, has twice as many


def utf16_of(head: bytes) -> str:
    """The name of the UTF-16 that these bytes are in; "" when they are in none."""
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
    """The sample in that encoding; its end may cut a pair of surrogates in two."""
    return sample.decode(name, "replace").removesuffix("\ufffd")


def _is_utf8(sample: bytes) -> bool:
    text = sample.decode("utf-8", "replace")
    return "\ufffd" not in text[:-1]


def _plausible(text: str) -> float:
    """How much this reads like text: its share of common signs; 0 if it can't be any."""
    foreign = sum(
        char == "\ufffd" or (unicodedata.category(char) in _FOREIGN and char not in "\t\r\n\f")
        for char in text
    )
    if not text or foreign * 500 > len(text):
        return 0
    return len(_COMMON.findall(text)) / len(text)
