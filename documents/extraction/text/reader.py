"""Plain text, CSV, JSON and XML."""

import csv
import io
import re
from collections.abc import Iterator
from itertools import chain, islice

from unstructured.documents.elements import Element

from documents.exceptions import CorruptFile
from documents.extraction import build
from documents.extraction.encodings import text_of
from documents.extraction.reading import Reading
from documents.extraction.text.delimiters import DECLARED, delimiter_of
from documents.extraction.text.json_text import indented, readable_lines
from documents.extraction.text.xml_text import flows_of
from documents.extraction.trees import xml_tree

_PARAGRAPHS = re.compile(r"\n[ \t]*\n\s*")
_LONGEST_CAPTION = 20  # rows
_BULLET = re.compile(r"\s*(?:[-*•‣◦▪–]|\(?\d{1,3}[.)]|[a-z][.)])\s+\S")


def read_text(reading: Reading) -> Iterator[Element]:
    yield from blocks_of(text_of(reading))


def blocks_of(text: str) -> Iterator[Element]:
    """Paragraphs and list items of plain text, separated by empty lines."""
    for block in _PARAGRAPHS.split(text):
        lines = block.split("\n")
        if len(lines) > 1 and all(_BULLET.match(line) for line in lines):
            yield from map(build.list_item, lines)
        elif _BULLET.match(block) and len(block) < 500:
            yield build.list_item(block)
        else:
            yield build.paragraph(block)


def read_csv(reading: Reading) -> Iterator[Element]:
    text = text_of(reading)
    csv.field_size_limit(10_000_000)
    if declared := DECLARED.match(text):
        text, delimiter = text[declared.end() :], declared[1]
    else:
        is_tsv = reading.content_type == "text/tab-separated-values"
        delimiter = "\t" if is_tsv else delimiter_of(text)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        yield from _captioned(rows)
    except csv.Error as error:
        raise CorruptFile from error


def _captioned(rows: Iterator[list[str]]) -> Iterator[Element]:
    """Rows of a single cell before the header row are the table's caption."""
    head = list(islice(rows, _LONGEST_CAPTION))
    filled = [[cell for cell in row if cell.strip()] for row in head]
    begins = next((at for at, cells in enumerate(filled) if len(cells) > 1), 0)
    if begins and build.looks_like_header(head[begins]):
        yield from (build.paragraph(cells[0]) for cells in filled[:begins] if cells)
        head = head[begins:]
    yield from build.tables(chain(head, rows))


def read_json(reading: Reading) -> Iterator[Element]:
    text = text_of(reading)
    try:
        pretty = indented(text, reading.limits.max_chars)
    except (ValueError, RecursionError):
        pretty = readable_lines(text)  # or JSON with comments, or too deep: read as text
    yield build.code(pretty)


def read_xml(reading: Reading) -> Iterator[Element]:
    for text in flows_of(xml_tree(reading.path.read_bytes(), entities=True)):
        if stripped := text.strip():
            yield build.paragraph(stripped)
