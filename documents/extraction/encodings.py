"""Bytes to text, whatever they were encoded in."""

import codecs
import contextlib

from charset_normalizer import from_bytes

from documents.extraction.language import detect_language
from documents.extraction.types import looks_utf16

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SAMPLE = 64 * 1024
# What charset-normalizer may call a subset of.
_WIDER = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "hz": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}


# Encodings that differ in a few letters, and the languages that settle the matter.
_LATIN = {"cp1250", "cp1254", "cp1257", "cp1258", "iso8859_2", "iso8859_9", "iso8859_15", "latin_1"}
_WESTERN = {"en", "de", "fr", "es", "it", "pt", "nl", "sv", "da", "no", "fi"}


def decode(data: bytes, declared: str = "") -> tuple[str, str]:
    """The text and the name of its encoding. Bytes that fit nowhere become U+FFFD.

    A byte order mark and valid UTF-8 are believed before `declared`, that before statistics.
    """
    for mark, encoding in _BOMS.items():
        if data.startswith(mark):
            return data.decode(encoding, "replace"), encoding
    if not looks_utf16(data[:_SAMPLE]):  # that can be valid UTF-8, full of NULs
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode("utf-8"), "utf-8"
    encoding = _declared(data, declared) or _guess(data)
    return data.decode(encoding, "replace"), encoding


def _declared(data: bytes, declared: str) -> str:
    encoding = _WIDER.get(declared.lower().replace("-", "_"), declared)
    try:
        data.decode(encoding)
    except (LookupError, UnicodeError, ValueError):
        return ""
    return encoding


def _guess(data: bytes) -> str:
    if looks_utf16(data[:_SAMPLE]):
        return (
            "utf-16-le" if data[1:_SAMPLE:2].count(0) > data[0:_SAMPLE:2].count(0) else "utf-16-be"
        )
    if _nearly_utf8(data):
        return "utf-8"
    sample = _telling(data)
    best = from_bytes(sample).best()
    encoding = best.encoding if best else "cp1252"
    if encoding in _LATIN and detect_language(sample.decode("cp1252", "replace")) in _WESTERN:
        return "cp1252"
    return _WIDER.get(encoding, encoding)


def _nearly_utf8(data: bytes) -> bool:
    """UTF-8 with a few broken bytes, such as a file that was cut in two."""
    text = data[:_SAMPLE].decode("utf-8", "replace")
    good = sum(ord(char) > 127 for char in text) - text.count("\ufffd")
    return good > 20 * text.count("\ufffd")


def _telling(data: bytes) -> bytes:
    """The part to judge by: lines from the first one that is not plain ASCII on."""
    at = next((at for at, byte in enumerate(data) if byte > 127), 0)
    start = data.rfind(b"\n", 0, at) + 1
    return data[start : start + _SAMPLE]
