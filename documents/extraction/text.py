"""Plain text, CSV, JSON and XML: the formats that are text already."""

import csv
import io
import json
import re
from collections.abc import Iterator
from statistics import median

from lxml import etree
from unstructured.documents.elements import Element

from documents.exceptions import CorruptFile, TooMuchText
from documents.extraction import parts
from documents.extraction.encodings import decode
from documents.extraction.reading import Reading
from documents.extraction.trees import xml_tree

_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
_BULLET = re.compile(r"\s*(?:[-*•‣◦▪–]|\(?\d{1,3}[.)]|[a-z][.)])\s+\S")
_DELIMITERS = ",;\t|"


def text_of(reading: Reading) -> str:
    """The file's text, with its encoding noted."""
    text = decoded(reading, reading.path.read_bytes())
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decoded(reading: Reading, data: bytes, declared: str = "") -> str:
    """The data as text; its encoding, and what it left undecoded, are noted."""
    text, encoding = decode(data, declared)
    reading.details["encoding"] = encoding
    if lost := text.count("\ufffd"):
        reading.details["undecodable"] = round(lost / len(text), 4) or 0.0001  # share of it
        reading.warnings.append(f"{lost} characters could not be decoded")
    return text


def read_text(reading: Reading) -> Iterator[Element]:
    yield from blocks_of(text_of(reading))


def blocks_of(text: str) -> Iterator[Element]:
    """Paragraphs and list items of plain text, parted by empty lines."""
    for block in _PARAGRAPHS.split(text):
        lines = block.split("\n")
        if len(lines) > 1 and all(_BULLET.match(line) for line in lines):
            yield from map(parts.list_item, lines)
        elif _BULLET.match(block) and len(block) < 500:
            yield parts.list_item(block)
        else:
            yield parts.paragraph(block)


def read_csv(reading: Reading) -> Iterator[Element]:
    text = text_of(reading)
    delimiter = "\t" if reading.content_type == "text/tab-separated-values" else _delimiter(text)
    csv.field_size_limit(10_000_000)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        yield from parts.tables(rows)
    except csv.Error as error:
        raise CorruptFile from error


def _delimiter(text: str) -> str:
    """The candidate that parts the first lines into most cells."""
    lines = [line for line in text[:20_000].split("\n")[:20] if line.strip()] or [""]
    return max(_DELIMITERS, key=lambda mark: median(line.count(mark) for line in lines))


def read_json(reading: Reading) -> Iterator[Element]:
    text = text_of(reading)
    try:
        pretty = _indented(json.loads(text), reading.limits.max_chars)
    except (ValueError, RecursionError):
        pretty = text  # JSON lines, JSON with comments, a nest of a thousand levels: still text
    yield parts.code(pretty)


def _indented(value: object, limit: int) -> str:
    """Raises TooMuchText: the indents of what is deep may be far longer than all the rest."""
    written, size = list[str](), 0
    for piece in json.JSONEncoder(ensure_ascii=False, indent=1).iterencode(value):
        written.append(piece)
        size += len(piece)
        if size > limit:
            raise TooMuchText(limit=limit)
    return "".join(written)


def read_xml(reading: Reading) -> Iterator[Element]:
    for element in xml_tree(reading.path.read_bytes(), entities=True).iter(etree.Element):
        text = (element.text or "").strip()
        if text:
            yield parts.paragraph(text)
        if element.tail and element.tail.strip():
            yield parts.paragraph(element.tail.strip())
