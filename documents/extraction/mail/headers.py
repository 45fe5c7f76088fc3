"""E-mail headers as they are sent: folded, in encoded words, often against the standard."""

import re
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message

from documents.extraction.encodings import decode

_OF_WORDS = frozenset({"subject", "from", "to"})
_WORD = re.compile(r"=\?([\w.:-]{1,40})(?:\*[\w-]+)?\?[bq]\?", re.IGNORECASE)
LONGEST = 10_000  # characters; some 250 addresses


def header(message: Message, name: str) -> str:
    """The first header of that name as one line, decoded; "" if there is none."""
    named = (raw for key, raw in message.raw_items() if key.lower() == name.lower())
    return decoded(next(named, ""), charset_of(message))


def charset_of(part: Message) -> str:
    """The declared encoding of a part's text; "" if there is none."""
    try:
        return part.get_content_charset("")
    except Exception:  # noqa: BLE001 - the header parser trips over malformed parameters
        return ""


def words_charset(message: Message) -> str:
    """The encoding of encoded words in its header; "" if there are none."""
    raw = (value for key, value in message.raw_items() if key.lower() in _OF_WORDS)
    words = (_WORD.search(value[:LONGEST]) for value in raw)
    return next((word[1] for word in words if word is not None), "")


def decoded(raw: str, charset: str = "") -> str:
    """A raw header's text as one line.

    Eight-bit characters, which are not allowed, are decoded in the text's encoding.
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
    """The file name of an attachment; "" if it has none, or an unreadable one."""
    try:
        return decoded(part.get_filename("") or "")
    except Exception:  # noqa: BLE001 - the header parser trips over malformed parameters
        return ""
