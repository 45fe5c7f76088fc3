"""E-mail: the message's head, then its text. Attachments are named, not read."""

from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from oxmsg import Message
from unstructured.documents.elements import Element

from documents.exceptions import CorruptFile
from documents.extraction import parts, web
from documents.extraction.encodings import decode
from documents.extraction.reading import Reading
from documents.extraction.text import blocks_of

_HEAD = ("From", "To", "Cc", "Date")


def read_eml(reading: Reading) -> Iterator[Element]:
    with reading.path.open("rb") as file:
        message = BytesParser(policy=policy.default).parse(file)
    head = {name: _header(message, name) for name in _HEAD}
    yield from _opening(_header(message, "Subject"), head)
    body = message.get_body(("plain", "html"))
    if isinstance(body, EmailMessage):
        text = _content(body)
        yield from (
            web.elements_of(text) if body.get_content_subtype() == "html" else blocks_of(text)
        )
    _note_attachments(reading, [part.get_filename("") for part in message.iter_attachments()])


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except Exception:  # noqa: BLE001 - the header parser trips over malformed addresses and dates
        return ""


def _content(body: EmailMessage) -> str:
    data = body.get_payload(decode=True)
    return decode(data, body.get_content_charset(""))[0] if isinstance(data, bytes) else ""


def read_msg(reading: Reading) -> Iterator[Element]:
    try:
        message = Message.load(str(reading.path))
        head = {name: message.message_headers.get(name, "") for name in _HEAD}
        head["From"] = head["From"] or message.sender or ""
        yield from _opening(message.subject or "", head)
        plain, html = (message.body or "").strip(), message.html_body
    except (KeyError, ValueError, IndexError, OSError, UnicodeError) as error:
        raise CorruptFile from error
    if plain or not html:
        yield from blocks_of(plain)
    else:
        yield from web.elements_of(html)
    _note_attachments(reading, [attachment.file_name or "" for attachment in message.attachments])


def _opening(subject: str, head: dict[str, str]) -> Iterator[Element]:
    if subject.strip():
        yield parts.title(" ".join(subject.split()), 1)
    lines = [f"{name}: {' '.join(value.split())}" for name, value in head.items() if value]
    if lines:
        yield parts.paragraph("\n".join(lines))


def _note_attachments(reading: Reading, names: list[str]) -> None:
    if names:
        reading.details["attachments"] = names[:100]
        reading.warnings.append(f"{len(names)} attachments were not read")
