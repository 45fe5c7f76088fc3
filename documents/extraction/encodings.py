"""Decodes bytes of any encoding."""

import codecs
from collections import Counter
from collections.abc import Iterator

import chardet

from documents.extraction.alphabets import is_likely
from documents.extraction.reading import Reading
from documents.extraction.utf16 import utf16_of

_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is its beginning
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SAMPLE = 64 * 1024
_PIECE, _PIECES = 4096, 5
_FREQUENT = ("cp1252", "cp1250")  # among files that are not Unicode
# The encodings of real documents: those of the Web, e-mail and DOS.
_CANDIDATES = (
    "big5", "big5hkscs", "cp932", "cp949", "euc_kr", "gb18030", "euc_jis_2004", "shift_jis_2004",
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258",
    "cp866", "cp874", "koi8-r", "koi8-u", "mac-cyrillic", "tis-620",
    "iso8859-1", "iso8859-2", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-9",
    "iso8859-13", "iso8859-15",
)  # fmt: skip
# Names that stand for a larger encoding; browsers treat them so too.
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "shift_jis_2004": "cp932",
    "euc_jis_2004": "euc_jp",
    "euc_kr": "cp949",
}
_ESCAPES = {b"\x1b$)C": "iso2022_kr", b"\x1b$": "iso2022_jp_ext"}


def text_of(reading: Reading) -> str:
    """The file's text; records its encoding."""
    text = decoded(reading, reading.path.read_bytes())
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decoded(reading: Reading, data: bytes, declared: str = "") -> str:
    """The data as text; records its encoding and how much could not be decoded."""
    text, encoding = decode(data, declared)
    reading.details["encoding"] = encoding
    if lost := text.count("\ufffd"):
        reading.details["undecodable"] = round(lost / len(text), 4) or 0.0001  # share of the text
        reading.warnings.append(f"{lost} characters could not be decoded")
    return text


def decode(data: bytes, declared: str = "") -> tuple[str, str]:
    """The text and the name of its encoding. Undecodable bytes become U+FFFD.

    A byte order mark or valid UTF-8 takes precedence over `declared`, and that over statistics.
    """
    for mark, encoding in _BOMS.items():
        if data.startswith(mark):
            return data.decode(encoding, "replace"), encoding
    encoding = utf16_of(data) or _escaped(data)
    if not encoding:
        try:
            return data.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            encoding = _declared(data, declared) or _guess(data)
    return data.decode(encoding, "replace"), encoding


def _escaped(data: bytes) -> str:
    """The encoding that switches character sets by escape sequences, as in Japanese e-mail."""
    for escape, encoding in _ESCAPES.items():
        if escape in data[:_SAMPLE] and _fits(data, encoding):
            return encoding
    return ""


def _declared(data: bytes, declared: str) -> str:
    """The larger encoding for the declared one, if the data could be in it."""
    try:
        name = codecs.lookup(declared).name
    except (LookupError, ValueError):
        return ""
    encoding = _WIDER.get(name, name)
    return encoding if _fits(data, encoding) else ""


def _fits(data: bytes, encoding: str) -> bool:
    """Whether the data is in that encoding, apart from a few broken bytes."""
    try:
        text = data[:_SAMPLE].decode(encoding, "replace")
    except (LookupError, UnicodeError, ValueError):  # not every codec decodes bytes to text
        return False
    allowed = 0 if encoding == "utf-8" else len(text) // 500
    return text.count("\ufffd", 0, -1) <= allowed


def _guess(data: bytes) -> str:
    if _nearly_utf8(data):
        return "utf-8"
    telling = _telling(data)
    votes = Counter(map(_likeliest, _pieces(telling)))
    return _likely(telling, votes.most_common(1)[0][0])


def _likely(telling: bytes, guess: str) -> str:
    """The guess, unless it gives no words and a frequent encoding does."""
    choices = (guess, *_FREQUENT) if len(telling) <= _PIECE else ()
    likely = (each for each in choices if is_likely(telling.decode(each, "replace"), each))
    return next(likely, guess)


def _likeliest(piece: bytes) -> str:
    found = chardet.detect(piece, include_encodings=_CANDIDATES, compat_names=False)["encoding"]
    name = codecs.lookup(found or "cp1252").name
    return _WIDER.get(name, name)


def _nearly_utf8(data: bytes) -> bool:
    """Whether it is UTF-8 with a few broken bytes, such as a file that was cut off."""
    text = data[:_SAMPLE].decode("utf-8", "replace")
    good = sum(char > "\x7f" for char in text) - text.count("\ufffd")
    return good > 20 * text.count("\ufffd")


def _telling(data: bytes) -> bytes:
    """The part to judge by: from the first line that is not plain ASCII."""
    at = next((at for at, byte in enumerate(data) if byte > 127), 0)
    start = data.rfind(b"\n", 0, at) + 1
    return data[start : start + _SAMPLE]


def _pieces(sample: bytes) -> Iterator[bytes]:
    """A few stretches of whole lines that vote, so that one broken byte does not decide."""
    start = 0
    for _ in range(_PIECES):
        end = _next_line(sample, start + _PIECE)
        if start == 0 or not sample[start:end].isascii():
            yield sample[start:end]
        start = end


def _next_line(sample: bytes, at: int) -> int:
    end = sample.find(b"\n", at)
    return len(sample) if end < 0 else end + 1


# The first call loads the statistics of every encoding; a warm reader has them already.
_likeliest("Où est passé le garçon ?".encode("cp1252"))
