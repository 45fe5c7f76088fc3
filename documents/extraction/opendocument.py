"""OpenDocument texts and presentations."""

from collections.abc import Iterator
from itertools import islice

from lxml import etree
from unstructured.documents.elements import Element

from documents.extraction import parts
from documents.extraction.packages import local_name, opened
from documents.extraction.reading import Reading

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_PRESENTATION = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}"
_SKIPPED = frozenset({"tracked-changes", "annotation", "note-citation", "desc", "title", "forms"})
_WIDEST = 256  # cells a repeated one may stand for; real tables end long before
_FURNITURE = frozenset({"date-time", "footer", "header", "page-number", "page"})


def read_odt(reading: Reading) -> Iterator[Element]:
    body = _body(reading, "text")
    total = len(body) if body is not None else 0
    for done, block in enumerate(body if body is not None else (), 1):
        yield from _block(block)
        reading.progress(done, total)


def read_odp(reading: Reading) -> Iterator[Element]:
    body = _body(reading, "presentation")
    slides = [node for node in body if local_name(node) == "page"] if body is not None else []
    reading.set_pages(len(slides))
    for number, slide in enumerate(slides, 1):
        yield from _slide(slide, number)
        reading.progress(number, len(slides))


def _body(reading: Reading, kind: str) -> etree._Element | None:
    with opened(reading.path) as package:
        root = package.xml("content.xml")
    return root.find(f"{{*}}body/{{*}}{kind}") if root is not None else None


def _slide(slide: etree._Element, number: int) -> Iterator[Element]:
    for frame in slide:
        role = frame.get(f"{_PRESENTATION}class", "")
        if role in _FURNITURE:
            continue
        text = " ".join(" ".join(map(_text, frame.iter(f"{_TEXT}p"))).split())
        if role == "title" and text:
            yield parts.title(text, 1, number)
        else:
            yield from _block(frame, number)


def _block(node: etree._Element, page: int | None = None) -> Iterator[Element]:
    tag = local_name(node)
    if tag == "h":
        yield from _heading(node, page)
    elif tag == "p":
        yield from _paragraph(node, page, listed=False)
    elif tag == "list":
        for line in node.iter(f"{_TEXT}p", f"{_TEXT}h"):
            yield from _paragraph(line, page, listed=True)
    elif tag == "table":
        made = parts.table([list(_cells(row)) for row in node.iter(f"{_TABLE}table-row")], page)
        if made is not None:
            yield made
    elif tag and tag not in _SKIPPED and node.get(f"{_PRESENTATION}class") not in _FURNITURE:
        for child in node:
            yield from _block(child, page)


def _heading(node: etree._Element, page: int | None) -> Iterator[Element]:
    text = _text(node).strip()
    level = node.get(f"{_TEXT}outline-level", "1")
    if text:
        yield parts.title(text, int(level) if level.isdigit() else 1, page)


def _paragraph(node: etree._Element, page: int | None, *, listed: bool) -> Iterator[Element]:
    text = _text(node)
    if text.strip():
        yield parts.list_item(text, page) if listed else parts.paragraph(text, page)
    for box in node.iter("{*}text-box"):
        for child in box:
            yield from _block(child, page)


def _cells(row: etree._Element) -> Iterator[str]:
    """The row's texts; a repeated cell counts as many, a covered one as empty."""
    return islice(_all_cells(row), _WIDEST)


def _all_cells(row: etree._Element) -> Iterator[str]:
    for cell in row:
        repeated = cell.get(f"{_TABLE}number-columns-repeated", "1")
        count = min(int(repeated), _WIDEST) if repeated.isdigit() else 1
        text = _text(cell) if local_name(cell) == "table-cell" else ""
        yield from [text] * count


def _text(node: etree._Element) -> str:
    texts: list[str] = []
    _gather(node, texts)
    return "".join(texts)


def _gather(node: etree._Element, texts: list[str]) -> None:
    texts.append(node.text or "")
    for child in node:
        tag = local_name(child)
        if tag in {"s", "tab"}:
            texts.append(" ")
        elif tag == "line-break":
            texts.append("\n")
        elif tag in {"p", "h", "note"}:
            texts.append(" ")
            _gather(child, texts)
        elif tag and tag != "text-box" and tag not in _SKIPPED:
            _gather(child, texts)
        texts.append(child.tail or "")
