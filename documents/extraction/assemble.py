"""Joins a reader's elements into one normalised text, and records the span of each."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from unstructured.documents import elements as parts

from documents.exceptions import TooManyParts, TooMuchText
from documents.extraction.elements import Element, Extracted, Kind
from documents.extraction.quality import quality_of
from documents.extraction.reading import Reading

_KINDS: dict[type[parts.Element], Kind] = {
    parts.Title: "title",
    parts.ListItem: "list_item",
    parts.Table: "table",
    parts.CodeSnippet: "code",
}
_LONGEST_TITLE = 500  # characters; longer titles become text
_LONGEST_HEADER = 1_000  # characters of a table's header
_DROPPED = [*range(9), *range(0x0E, 0x20), 0x7F, 0xAD, 0x200B, 0x2060, 0xFEFF, 0xFFFE, 0xFFFF]
_SPACES = [0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000]
_NEWLINES = [0x0B, 0x0C, 0x85, 0x2028, 0x2029]
_LIGATURES = {
    0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st",
    0xFB06: "st",
}  # fmt: skip
_TRANSLATE: dict[int, str | None] = {
    **dict.fromkeys(_DROPPED),
    **dict.fromkeys(_SPACES, " "),
    **dict.fromkeys(_NEWLINES, "\n"),
    **_LIGATURES,
}
_ODD = re.compile("[" + "".join(map(re.escape, map(chr, _TRANSLATE))) + "]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_REFUSED = re.compile("[\0\ud800-\udfff]")
# Sorting the marks on one letter takes quadratic time. As in UAX 15's stream-safe text format,
# thirty are enough for any language; an invisible joiner separates the rest.
_MARKS = "".join(char for char in map(chr, range(0x300, 0x1E950)) if unicodedata.combining(char))
_RARE = re.compile("[\U000101fd-\U0001e94a]")  # where marks beyond U+FFFF lie
_PILED = [  # the first has no characters beyond U+FFFF, which makes it fast
    re.compile(f"[{marks}][{marks}]{{29}}(?=[{marks}])")
    for marks in (_MARKS[: sum(char <= "\uffff" for char in _MARKS)], _MARKS)
]
_JOINER = "\u034f"
_BLANKS = re.compile(r"[ \t]{2,}|\t")
_EDGES = re.compile(r" ?\n ?")
_EMPTY_LINES = re.compile(r"\n{3,}")


def assemble(reading: Reading, elements: Iterable[parts.Element]) -> Extracted:
    """Join elements into an Extracted. Raises TooMuchText or TooManyParts."""
    texts: list[str] = []
    placed: list[Element] = []
    at = 0
    for element in elements:
        kind = _kind(element)
        text = normalise(element.text, code=kind == "code")
        if not text:
            continue
        if placed:
            gap = "\n" if kind == placed[-1].kind == "list_item" else "\n\n"
            texts.append(gap)
            at += len(gap)
        texts.append(text)
        placed.append(_place(element, kind, at, at + len(text)))
        at += len(text)
        if at > reading.limits.max_chars:
            raise TooMuchText(limit=reading.limits.max_chars)
        if len(placed) > reading.limits.max_elements:
            raise TooManyParts(limit=reading.limits.max_elements)
    return _extracted(reading, "".join(texts), tuple(placed))


def _kind(element: parts.Element) -> Kind:
    kind = _KINDS.get(type(element), "text")
    # A heading is stored with every passage below it.
    return "text" if kind == "title" and len(element.text) > _LONGEST_TITLE else kind


def _place(element: parts.Element, kind: Kind, start: int, end: int) -> Element:
    metadata = element.metadata
    level = (metadata.category_depth or 0) + 1 if kind == "title" else 0
    header = getattr(metadata, "table_header", None) if kind == "table" else None
    header = normalise(header)[:_LONGEST_HEADER] if header else ""
    return Element(kind, start, end, metadata.page_number, level, header)


def _extracted(reading: Reading, text: str, elements: tuple[Element, ...]) -> Extracted:
    quality = quality_of(reading, text, elements)
    details = {**_storable(reading.details), **quality}
    return Extracted(text, elements, reading.pages, quality["language"], details)


def _storable(detail: Any) -> Any:
    """Names of attachments and the like, without what Postgres refuses in JSON."""
    match detail:
        case str():
            return _REFUSED.sub("", detail)
        case list():
            return [_storable(each) for each in detail]
        case dict():
            return {name: _storable(each) for name, each in detail.items()}
    return detail


def normalise(text: str, *, code: bool = False) -> str:
    """NFC without control characters, odd spaces or ligatures, trimmed.

    Outside code, runs of blanks become one, and lines are trimmed too.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = _SURROGATES.sub("", text)
    if _ODD.search(text):
        text = text.translate(_TRANSLATE)
    if not text.isascii():
        piled = _PILED[bool(_RARE.search(text))]
        if piled.search(text):  # preparing the replacement takes as long as a search
            text = piled.sub(rf"\g<0>{_JOINER}", text)
    if not unicodedata.is_normalized("NFC", text):  # at once for ASCII
        text = unicodedata.normalize("NFC", text)
    if code:
        return text.strip("\n").rstrip()
    text = text.strip()
    if "  " in text or "\t" in text:
        text = _BLANKS.sub(" ", text)
    if " \n" in text or "\n " in text:  # a pattern takes ten times as long to find nothing
        text = _EDGES.sub("\n", text)
    return _EMPTY_LINES.sub("\n\n", text) if "\n\n\n" in text else text
