"""E-mail: the message's headers, then its text. Attachments are named, not read."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import EmailPolicy
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import olefile
from oxmsg import Message
from oxmsg.attachment import Attachment
from oxmsg.domain import constants
from oxmsg.domain.model import UnrecognizedCodePageError, UnsupportedEncodingError
from unstructured.documents.elements import Element

from documents.exceptions import CorruptFile, TooComplex
from documents.extraction.encodings import decode
from documents.extraction.mail.body import HEAD, message_elements, opening, page
from documents.extraction.mail.headers import LONGEST, decoded
from documents.extraction.mail.locales import encoding_of
from documents.extraction.reading import Reading
from documents.extraction.text.reader import blocks_of
from documents.extraction.web import reader as web

_MOST_PARTS = 2_000
_MOST_NAMED, _LONGEST_NAME = 100, 255  # they are sent to everyone who watches the step
_BARE_BOUNDARY = re.compile(r'(\bboundary\s*=\s*)([^"\s;]+)', re.IGNORECASE)
_ASSUMED = "iso-8859-15"  # encoding of 8-bit texts that declare none
_BODY = "__substg1.0_1000001E"  # the stream of a text that is not Unicode
# Properties that hold code pages: 4 bytes of type and id, 4 of flags.
_PAGES = re.compile(rb"\x03\x00[\xfd\xde]\x3f(?=.\x00\x00\x00)", re.DOTALL)
_WRONG_PAGE = (LookupError, UnicodeDecodeError, UnrecognizedCodePageError, UnsupportedEncodingError)
_WINDOWS = {"windows_874": "cp874", "windows_950": "cp950"}  # Outlook's names


def _codec(name: str) -> codecs.CodecInfo | None:
    return codecs.lookup(_WINDOWS[name]) if name in _WINDOWS else None


codecs.register(_codec)


def read_eml(reading: Reading) -> Iterator[Element]:
    """Raises TooComplex for very many parts, or for some hundred levels of nesting."""
    attached: list[str] = []
    try:
        yield from message_elements(_parsed(reading), attached)
    except RecursionError as error:
        raise TooComplex from error
    _note_attachments(reading, attached)


class _Policy(EmailPolicy):
    """Python's policy, with headers cut where its parser takes quadratic time, and with unquoted
    boundaries accepted as they are meant."""

    def header_fetch_parse(self, name: str, value: str) -> Any:
        if not hasattr(value, "name"):  # not yet parsed
            value = value[:LONGEST]
            if name.lower() == "content-type":
                value = _BARE_BOUNDARY.sub(r'\1"\2"', value)
        return super().header_fetch_parse(name, value)


def _parsed(reading: Reading) -> EmailMessage:
    parts_left = iter(range(_MOST_PARTS))

    def part(policy: Any) -> EmailMessage:
        if next(parts_left, None) is None:
            raise TooComplex
        return EmailMessage(policy)

    policy: Any = _Policy().clone(message_factory=part)
    with reading.path.open("rb") as file:
        message: EmailMessage = BytesParser(policy=policy).parse(file)
    return message


@dataclass(frozen=True, slots=True)
class _Said:
    """The content of an Outlook message."""

    subject: str
    head: dict[str, str]
    plain: str
    html: str
    attached: list[str]


def read_msg(reading: Reading) -> Iterator[Element]:
    try:
        said = _said(reading.path)
    except (LookupError, ValueError, OSError) as error:
        raise CorruptFile from error
    yield from opening(" ".join(said.subject.split()), said.head)
    if said.plain or not said.html:
        yield from blocks_of(said.plain.replace("\r\n", "\n"))
    else:
        yield from page(said.html)
    _note_attachments(reading, said.attached)


def _said(path: Path) -> _Said:
    """An unknown or wrong code page is ignored."""
    try:
        return _said_by(Message.load(str(path)), path)
    except _WRONG_PAGE:
        unsaid = _PAGES.sub(b"\x03\x00\x00\x00", path.read_bytes())
        return _said_by(Message.load(unsaid), path)


def _said_by(message: Message, path: Path) -> _Said:
    plain, html = _plain(message, path).strip(), _html(message)
    head, subject = _head(message), message.subject
    attached = [_name(attachment) for attachment in message.attachments]
    if encoding := _unsaid(message, [subject, *head.values(), *attached, plain]):
        subject = _mended(subject, encoding)
        head = {name: _mended(text, encoding) for name, text in head.items()}
        attached = [_mended(name, encoding) for name in attached]
        plain = plain if _page(message) else _mended(plain, encoding)
    return _Said(subject, head, plain, html, attached)


def _head(message: Message) -> dict[str, str]:
    """The headers as sent, otherwise (for drafts and sent items) as Outlook shows them."""
    sent = {name.title(): decoded(value) for name, value in message.message_headers.items()}
    date, of = message.sent_date, message.properties
    shown = {
        "From": message.sender or "",
        "To": of.str_prop_value(constants.PID_DISPLAY_TO) or "",
        "Cc": of.str_prop_value(constants.PID_DISPLAY_CC) or "",
        "Date": format_datetime(date) if date and date.year > 1601 else "",  # unset otherwise
    }
    return {name: sent.get(name) or " ".join(shown[name].split()) for name in HEAD}


def _unsaid(message: Message, texts: list[str]) -> str:
    """The encoding of its 8-bit texts if the message declares none for them, otherwise ""."""
    of = message.properties
    if of.int_prop_value(constants.PID_MESSAGE_CODEPAGE) is not None or any(
        each.ptyp == constants.PTYP_STRING for each in of
    ):
        return ""
    assumed = "\n".join(filter(_is_latin, texts))
    said = _spoken(message) or (of.body_encoding if _page(message) else "")
    return decode(assumed.encode(_ASSUMED), said)[1]


def _spoken(message: Message) -> str:
    """The usual encoding of the message's language; "" if that does not tell."""
    return encoding_of(message.properties.int_prop_value(constants.PID_MESSAGE_LOCALE_ID))


def _page(message: Message) -> int | None:
    """The code page of its body, if the message declares one."""
    return message.properties.int_prop_value(constants.PID_INTERNET_CODEPAGE)


def _is_latin(text: str) -> bool:
    """Whether the text may be 8-bit text that was decoded without knowing its encoding."""
    return text == text.encode(_ASSUMED, "ignore").decode(_ASSUMED)


def _mended(text: str, encoding: str) -> str:
    is_wrong = not text.isascii() and _is_latin(text)
    return decode(text.encode(_ASSUMED), encoding)[0] if is_wrong else text


def _plain(message: Message, path: Path) -> str:
    """A body's text, even if it is not in the declared encoding."""
    try:
        return message.body or ""
    except (LookupError, UnicodeDecodeError):
        with olefile.OleFileIO(str(path)) as ole, ole.openstream(_BODY) as stream:
            return decode(stream.read(), _spoken(message))[0]


def _html(message: Message) -> str:
    """A body's HTML; its bytes are not always in the declared encoding."""
    of = message.properties
    if data := of.binary_prop_value(constants.PID_HTML):
        is_said = _page(message) or of.int_prop_value(constants.PID_MESSAGE_CODEPAGE)
        return decode(data, of.body_encoding if is_said else web.declared_charset(data))[0]
    return of.str_prop_value(constants.PID_BODY_HTML) or ""


def _name(attachment: Attachment) -> str:
    """An attachment's file name, or the subject of an attached message."""
    shown = attachment.properties.str_prop_value(constants.PID_DISPLAY_NAME)
    return attachment.file_name or shown or ""


def _note_attachments(reading: Reading, names: list[str]) -> None:
    if names:
        named = [name[:_LONGEST_NAME] for name in names[:_MOST_NAMED]]
        reading.details["attachments"] = named
        reading.warnings.append(f"{len(names)} attachments were not read")
