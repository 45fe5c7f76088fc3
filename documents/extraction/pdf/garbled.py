"""Detects text layers that consist of garbage."""

import re

_SAMPLE = 1500
# Private use, replacement and control characters and lone surrogates: glyphs without a mapping to
# Unicode. (U+0002 is how PDFium reports a hyphen at the end of a line.)
_UNMAPPED = re.compile("[\ue000-\uf8ff\ufffd\x01\x03-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LETTERS = re.compile("[^A-Za-z\u00c0-\u024f]+")
_VOWEL = re.compile("[aeiouyAEIOUY\u00c0-\u024f]")
_ENOUGH = 60  # Latin letters needed to judge by vowels
_FEWEST_VOWELS = 0.2  # share of the letters; every language in Latin script has at least a third
# Bytes of UTF-8 or of a Chinese encoding that were decoded as Latin-1. It begins with one class of
# characters, which makes the search five times as fast as two alternatives.
_MOJIBAKE = re.compile(
    "[\u00a1-\u00ff](?:(?<=[\u00c2\u00c3\u00e2-\u00ef])[\u0080-\u00bf\u2018-\u2026\u20ac]"
    "|[\u00a1-\u00ff]{3,})"
)


def is_garbled(text: str) -> bool:
    """Whether most of a page's text is unreadable: unmapped glyphs, shifted codes or mojibake."""
    sample = "".join(text[:_SAMPLE].split())
    unmapped = 0 if sample.isascii() and sample.isprintable() else len(_UNMAPPED.findall(sample))
    if len(sample) < 8:
        return bool(sample) and unmapped * 2 > len(sample)
    if unmapped * 4 > len(sample):
        return True
    if not sample.isascii() and sum(map(len, _MOJIBAKE.findall(sample))) * 3 > len(sample):
        return True
    return _lacks_vowels(sample)


def _lacks_vowels(sample: str) -> bool:
    if sum(map(sample.count, "aeiou")) >= len(sample) * _FEWEST_VOWELS:  # true of nearly every page
        return False
    letters = _LETTERS.sub("", sample)
    return len(letters) >= _ENOUGH and len(_VOWEL.findall(letters)) < len(letters) * _FEWEST_VOWELS
