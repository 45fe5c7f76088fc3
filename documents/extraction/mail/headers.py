"""Headers of e-mail as they are sent: folded, in words of any encoding, often against the rules."""

import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

from documents.extraction.encodings import decode

_OF_WORDS = frozenset({"subject", "from", "to"})
_WORD = re.compile(r"=\?([\w.:-]{1,40})(?:\*[\w-]+)?\?[bq]\?", re.IGNORECASE)
LONGEST = 10_000  # characters; some 250 addresses


def header(message: Message, name: str) -> str:
    """The first header of that name in one line, decoded; "" when there is none."""
    named = (raw for key, raw in message.raw_items() if key.lower() == name.lower())
    return decoded(next(named, ""), charset_of(message))


def charset_of(part: Message) -> str:
    """The encoding its text is said to be in; "" when nothing is said."""
    try:
        return part.get_content_charset("")
    except Exception:  # noqa: BLE001 - the header parser trips over malformed parameters
        return ""


def words_charset(message: Message) -> str:
    """The encoding that words of its head are in; "" where none is named."""
    raw = (value for key, value in message.raw_items() if key.lower() in _OF_WORDS)
    words = (_WORD.search(value[:LONGEST]) for value in raw)
    return next((word[1] for word in words if word is not None), "")


def decoded(raw: str, charset: str = "") -> str:
    """A raw header's text in one line.

    Eight-bit characters, which are not allowed, are taken to be in the encoding of the text.
    """
    text = raw[:LONGEST]
    if not text.isascii():
        text = decode(text.encode("utf-8", "surrogateescape"), charset)[0]
    try:
        pieces = decode_header(text)
    except HeaderParseError:
        return " ".join(text.split())
    return " ".join("".join(_text(*piece) for piece in pieces).split())


def _text(piece: bytes | str, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    return decode(piece, charset)[0] if charset else piece.decode("raw-unicode-escape")


def file_name(part: Message) -> str:
    """The name an attachment was given; "" when there is none, or none that can be read."""
    try:
        return decoded(part.get_filename("") or "")
    except Exception:  # noqa: BLE001 - the header parser trips over malformed parameters
        return ""
