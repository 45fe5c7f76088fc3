"""Whether decoded text looks like words of a language, judged by its non-ASCII letters.

Byte statistics fail on a sentence or two: "Loïc" is neither Russian "Loпc" nor Czech "Loďc".
"""

import re

_WESTERN = (
    "àâäáæçéèêëíîïñóôöœùûüÿ",  # French, and loan words and names in English
    "áéíïñóúüàèòç", "ãáàâçéêíóôõúü", "àèéìíîòóùú",  # Spanish and Catalan, Portuguese, Italian
    "äöüßéèàáëïêóúíçñ", "åäöéüàšž", "åæøéèêòóôüöä",  # German and Dutch, Swedish, Danish
    "áðéíóúýþæöø",  # Icelandic
)  # fmt: skip
_CENTRAL = (
    "ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű",  # Polish … Hungarian
    "ăâîşţ", "čćđšž", "çë", "äöüß",  # Romanian, Croatian, Albanian, German
)  # fmt: skip
_BALTIC = ("ąčęėįšųūž", "āčēģīķļņōŗšūž", "äöõüšž")
_ALPHABETS = {
    "cp1250": _CENTRAL, "iso8859-2": _CENTRAL, "cp1252": _WESTERN, "cp1254": ("çğıöşüâîûi̇",),
    "cp1257": _BALTIC, "iso8859-13": _BALTIC,
}  # fmt: skip
# Frequent words of Western languages that are not words of the other languages.
_WESTERN_WORD = re.compile(
    r"\b(?:the|and|of|with|this|une|dans|pour|sont|avec|qui|und|der|die|das|ist|nicht|für|que|che"
    r"|della|och|inte|og|det|ikke|het|een|niet|voor)\b",
    re.IGNORECASE,
)
_OTHER = frozenset({  # encodings of another script, which words do not mix with Latin
    "cp1251", "koi8-r", "koi8-u", "cp866", "mac-cyrillic", "iso8859-5", "cp1253", "iso8859-7",
    "cp1255", "iso8859-8", "cp1256", "iso8859-6",
})  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")
_SIGNS = "ªºµ"  # Python counts them as letters
_AMONG_LETTERS = "’‘´·\xad–—…/"
_NO_WORD = re.compile(
    rf"\d(?![{_SIGNS}])[^\W\d_\x00-\x7f]|(?![{_SIGNS}])[^\W\d_\x00-\x7f]\d"  # Ł5
    rf"|[^\W\d_](?:[{_SIGNS}]|(?![{_AMONG_LETTERS}])[^\w\x00-\x7f])[^\W\d_]"  # zap³aty
)
_BROKEN = re.compile("[\x80-\x9f\ufffd\u02c7\u02d8-\u02dd]")  # controls, accents without a letter


def is_likely(text: str, encoding: str) -> bool:
    """Whether the words look like ones written in that encoding."""
    if encoding in _OTHER:
        return not (_mixes_scripts(text) or _BROKEN.search(text))
    if encoding not in _ALPHABETS:
        return True
    if _NO_WORD.search(text) or _BROKEN.search(text):
        return False
    if encoding != "cp1252" and _WESTERN_WORD.search(text):
        return False
    letters = {char for char in text.lower() if char > "\x7f" and char.isalpha()} - set(_SIGNS)
    return any(letters.issubset(alphabet) for alphabet in _ALPHABETS[encoding])


def _mixes_scripts(text: str) -> bool:
    """Whether words in the other script alone are fewer than mixed or one-letter words."""
    mixed = pure = 0
    for word in _WORD.findall(text):
        latin = sum(map(str.isascii, word))
        pure += latin == 0 and len(word) > 1
        mixed += 0 < latin < len(word) or (latin == 0 and len(word) == 1)
    return mixed > pure
