"""The text of a message: each part once, without attachments and images."""

from collections.abc import Iterator, Sequence
from email import message_from_bytes
from email.message import Message

from unstructured.documents.elements import Element, Title

from documents.extraction import build
from documents.extraction.encodings import decode
from documents.extraction.mail.headers import charset_of, file_name, header, words_charset
from documents.extraction.text.reader import blocks_of
from documents.extraction.web import reader as web

HEAD = ("From", "To", "Cc", "Date")
_DEEPEST = 5  # nested messages that are read; deeper ones are only named
_STUB = 300  # characters; plain text this short may only point to the HTML version …
_FULLER = 5  # … if that is this many times as long
_PLAIN = frozenset({"", "us-ascii", "ascii"})  # charsets that say nothing of other letters
_CARDS = frozenset({"text/calendar", "text/vcard", "text/x-vcard"})
_FOR_PROGRAMS = frozenset({
    "message/delivery-status", "message/disposition-notification",
    "application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature",
})  # fmt: skip


def opening(subject: str, head: dict[str, str], depth: int = 0) -> Iterator[Element]:
    """The subject as a title, followed by the other headers."""
    if subject or depth:
        yield build.title(subject or "Forwarded message", depth + 1)
    lines = [f"{name}: {value}" for name, value in head.items() if value]
    if lines:
        yield build.paragraph("\n".join(lines))


def message_elements(message: Message, attached: list[str], depth: int = 0) -> Iterator[Element]:
    """Header and text of a message and of those it forwards. Adds names of attachments to
    `attached`."""
    head = {name: header(message, name) for name in HEAD}
    yield from opening(header(message, "Subject"), head, depth)
    yield from _part(message, attached, depth, words_charset(message), is_body=True)


def page(html: str, depth: int = 0) -> Iterator[Element]:
    """The elements of an HTML body; its headings are below that of its message."""
    for element in web.elements_of(html):
        if isinstance(element, Title):
            level = (element.metadata.category_depth or 0) + 1
            yield build.title(element.text, level + depth + 1)
        else:
            yield element


def _part(
    part: Message, attached: list[str], depth: int, charset: str, *, is_body: bool = False
) -> Iterator[Element]:
    """`charset`: for parts that declare none. `is_body`: the first part, or an alternative to it,
    which is read even if it has a file name."""
    kind = _kind(part)
    if kind == "multipart/alternative":
        forms = [
            (_kind(each), list(_part(each, attached, depth, charset, is_body=is_body)))
            for each in _inner(part)
        ]
        yield from _fullest(forms)
    elif kind.startswith("multipart/"):
        for at, each in enumerate(_inner(part)):
            yield from _part(each, attached, depth, charset, is_body=is_body and not at)
    elif kind == "message/rfc822" and depth < _DEEPEST and _inner(part):
        yield from message_elements(_forwarded(part), attached, depth + 1)
    elif _is_attached(part, kind, is_body=is_body):
        attached += [] if _is_silent(part, kind) else [file_name(part) or kind]
    elif kind == "text/html":
        yield from page(_text(part, charset), depth)
    elif kind.startswith("text/"):
        yield from blocks_of(_plain(part, charset))


def _forwarded(part: Message) -> Message:
    """The message in a part; Base64 is allowed too, which the standard forbids but some senders
    use."""
    inner, how = _inner(part)[0], header(part, "Content-Transfer-Encoding")
    if how.lower() != "base64" or inner.keys():
        return inner
    inner["Content-Transfer-Encoding"] = how
    data = inner.get_payload(decode=True)
    return message_from_bytes(data, policy=part.policy) if isinstance(data, bytes) else inner


def _kind(part: Message) -> str:
    try:
        return part.get_content_type()
    except Exception:  # noqa: BLE001 - the header parser trips over malformed parameters
        return "text/plain"


def _inner(part: Message) -> list[Message]:
    inner = part.get_payload()
    return [each for each in inner if isinstance(each, Message)] if isinstance(inner, list) else []


def _fullest(choices: Sequence[tuple[str, list[Element]]]) -> list[Element]:
    """The plain text of a message, unless another alternative has much more text."""
    plain = next((elements for kind, elements in choices if kind == "text/plain"), [])
    rich = [elements for kind, elements in choices if kind != "text/plain" and _length(elements)]
    if not rich or _length(plain) > min(_STUB, _length(rich[-1]) // _FULLER):
        return plain
    return rich[-1]


def _length(elements: Sequence[Element]) -> int:
    return sum(len(element.text.strip()) for element in elements)


def _is_attached(part: Message, kind: str, *, is_body: bool) -> bool:
    if not kind.startswith("text/") or kind in _CARDS:
        return True
    if header(part, "Content-Disposition").lower().startswith("attachment"):
        return True
    return bool(file_name(part)) and not is_body


def _is_silent(part: Message, kind: str) -> bool:
    """Whether a part is an inline image, a signature or only for programs: not an attachment."""
    placed = header(part, "Content-Disposition").lower().startswith("inline")
    return kind in _FOR_PROGRAMS or (placed and bool(header(part, "Content-ID")))


def _text(part: Message, charset: str) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    said = charset_of(part)
    if said in _PLAIN and not data.isascii():
        said = web.declared_charset(data) or charset or said
    return decode(data, said or web.declared_charset(data))[0]


def _plain(part: Message, charset: str) -> str:
    text = _text(part, charset).replace("\r\n", "\n")
    how = header(part, "Content-Type").lower()
    if "flowed" not in how:
        return text
    return "\n".join(_unflowed(text, tight="delsp=yes" in how.replace('"', "")))


def _unflowed(text: str, *, tight: bool) -> Iterator[str]:
    """The lines of RFC 3676 format=flowed, where a line that ends in a blank continues in the next;
    `tight` is DelSp, without that blank.

    Quotes stay quotes.
    """
    lines, level_before, goes_on = list[str](), 0, False
    for line in text.split("\n"):
        bare = line.lstrip(">")
        level, bare = len(line) - len(bare), bare.removeprefix(" ")
        if lines and not (goes_on and level == level_before):
            yield "".join(lines)
            lines = []
        goes_on, level_before = bare.endswith(" ") and bare != "-- ", level
        lines += [] if lines or not level else [">" * level + " "]
        lines.append(bare[:-1] if goes_on and tight else bare)
    yield "".join(lines)
