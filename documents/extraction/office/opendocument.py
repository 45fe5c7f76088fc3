"""OpenDocument texts and presentations."""

import posixpath
import re
from collections.abc import Iterator
from itertools import islice

from lxml import etree
from unstructured.documents.elements import Element

from documents.extraction import build, mathml
from documents.extraction.directions import runs_left
from documents.extraction.office.opendocument_lists import lists_of
from documents.extraction.office.opendocument_styles import placed_styles
from documents.extraction.office.slide_order import Box, in_order
from documents.extraction.reading import Reading
from documents.extraction.superscripts import subscript_last, superscript_last
from documents.extraction.xml_packages import Package, local_name, opened

_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_PRESENTATION = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}"
_SVG = "{urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0}"
_DESCRIBED = (f"{_SVG}title", f"{_SVG}desc")
_HREF = "{http://www.w3.org/1999/xlink}href"
# A table of contents repeats the headings.
_SKIPPED = frozenset({"tracked-changes", "annotation", "note", "forms", "table-of-content"})
_GROUPS = frozenset({"table-header-rows", "table-rows", "table-row-group"})
_LENGTH = re.compile(r"-?\d+(?:\.\d+)?")
_WIDEST = 256  # cells that one repeated cell may stand for; real tables are narrower
_FURNITURE = frozenset({"date-time", "footer", "header", "page-number", "page"})


def read_odt(reading: Reading) -> Iterator[Element]:
    with opened(reading.path) as package:
        document = Document(package)
        body = document.body("text")
        total = len(body) if body is not None else 0
        yield from document.margins("header")
        for done, block in enumerate(body if body is not None else (), 1):
            yield from document.block(block)
            reading.progress(done, total)
        yield from document.margins("footer")


def read_odp(reading: Reading) -> Iterator[Element]:
    with opened(reading.path) as package:
        document = Document(package)
        body = document.body("presentation")
        slides = [node for node in body if local_name(node) == "page"] if body is not None else []
        reading.set_pages(len(slides))
        for number, slide in enumerate(slides, 1):
            yield from document.slide(slide, number)
            reading.progress(number, len(slides))


class Document:
    """An open document, and the page that is being read."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._content, self._styles = package.xml("content.xml"), package.xml("styles.xml")
        self._lists = lists_of(self._styles, self._content)
        self._places = placed_styles(self._content, self._styles)
        self.page: int | None = None

    def body(self, kind: str) -> etree._Element | None:
        root = self._content
        return root.find(f"{{*}}body/{{*}}{kind}") if root is not None else None

    def styles(self, family: str) -> Iterator[etree._Element]:
        """The named styles of the document, then its automatic ones."""
        for root in (self._styles, self._content):
            for style in root.iterfind(f"{{*}}*/{_STYLE}style") if root is not None else ():
                if style.get(f"{_STYLE}family") == family:
                    yield style

    def margins(self, kind: str) -> Iterator[Element]:
        """The headers or footers of all master pages, each text once."""
        root, seen = self._styles, set()
        tags = (f"{{*}}{kind}{which}" for which in ("", "-first", "-left"))
        for margin in root.iter(*tags) if root is not None else ():
            for line in margin.iter(f"{_TEXT}p"):
                text = " ".join(self.text(line).split())
                if any(map(str.isalpha, text)) and text not in seen:
                    seen.add(text)
                    yield build.paragraph(text)

    def slide(self, slide: etree._Element, number: int) -> Iterator[Element]:
        self.page = number
        for frame in in_order(list(slide), _box, mirrored=runs_left("".join(slide.itertext()))):
            role = frame.get(f"{_PRESENTATION}class", "")
            if role in _FURNITURE:
                continue
            text = " ".join(" ".join(map(self.text, frame.iter(f"{_TEXT}p"))).split())
            if role == "title" and text:
                yield build.title(text, 1, number)
            else:
                yield from self.block(frame)
                yield from self._hanging_one(frame)

    def block(self, node: etree._Element) -> Iterator[Element]:
        tag = local_name(node)
        if tag == "h":
            yield from self._heading(node, self._heading_number(node))
        elif tag == "p":
            yield from self._paragraph(node)
        elif tag == "list":
            for line, number in self._lists.items(node):
                yield from self._item(line, number or "")
        elif tag == "table":
            made = build.table([list(self._cells(row)) for row in rows_of(node)], self.page)
            if made is not None:
                yield made
            yield from self._hanging(node)
        elif _is_read(node, tag) and node.get(f"{_PRESENTATION}class") not in _FURNITURE:
            for child in node:
                yield from self.block(child)
            if tag == "frame":
                yield from self._hanging(node, boxes=False)

    def _heading_number(self, node: etree._Element) -> str:
        is_unnumbered = node.get(f"{_TEXT}is-list-header") == "true"
        return "" if is_unnumbered else self._lists.heading(_level(node))

    def _heading(self, node: etree._Element, number: str) -> Iterator[Element]:
        text = self.text(node).strip()
        if text:
            yield build.title(f"{number} {text}".lstrip(), _level(node), self.page)
        yield from self._hanging(node)

    def _paragraph(self, node: etree._Element) -> Iterator[Element]:
        text = self.text(node)
        if text.strip():
            yield build.paragraph(text, self.page)
        yield from self._hanging(node)

    def _item(self, node: etree._Element, number: str) -> Iterator[Element]:
        if local_name(node) == "h":
            yield from self._heading(node, number)
            return
        text = self.text(node).strip()
        if text:
            yield build.list_item(f"{number} {text}".lstrip(), self.page)
        yield from self._hanging(node)

    def _hanging(self, node: etree._Element, *, boxes: bool = True) -> Iterator[Element]:
        """The elements attached to a paragraph, a table or a frame, in order; they follow it."""
        for part in _outside_boxes(node):
            if local_name(part) != "text-box":
                yield from self._hanging_one(part)
            elif boxes:
                for child in part:
                    yield from self.block(child)

    def _hanging_one(self, node: etree._Element) -> Iterator[Element]:
        """A note, a comment, a chart, or the description of a picture."""
        tag = local_name(node)
        if tag == "note-body":
            yield from self._note(node)
        elif tag == "annotation":
            yield from self._note(node, _author(node))
        elif tag == "object":
            yield from self._chart(self._object(node))
        elif node.tag in _DESCRIBED:
            yield from build.description(node.text or "", self.page)

    def _chart(self, root: etree._Element | None) -> Iterator[Element]:
        chart = root.find("{*}body/{*}chart/{*}chart") if root is not None else None
        if chart is None:
            return
        for title in chart.findall("{*}title"):
            yield from self._paragraph(title)
        rows = [list(self._cells(row)) for row in chart.iter(f"{_TABLE}table-row")]
        made = build.table(rows, self.page)
        if made is not None:
            yield made

    def _note(self, node: etree._Element, author: str = "") -> Iterator[Element]:
        text = " ".join(" ".join(map(self.text, node.iter(f"{_TEXT}p"))).split())
        if text:
            yield build.paragraph(author + text, self.page)

    def _object(self, node: etree._Element) -> etree._Element | None:
        """The embedded document that a frame shows."""
        return self._package.xml(posixpath.normpath(f"{node.get(_HREF, '')}/content.xml"))

    def _cells(self, row: etree._Element) -> Iterator[str]:
        """The row's texts; a repeated cell counts as many, a covered one as empty."""
        return islice(self._all_cells(row), _WIDEST)

    def _all_cells(self, row: etree._Element) -> Iterator[str]:
        for cell in row:
            repeated = cell.get(f"{_TABLE}number-columns-repeated", "1")
            count = min(int(repeated), _WIDEST) if repeated.isdigit() else 1
            text = self.text(cell) if local_name(cell) == "table-cell" else ""
            yield from [text] * count

    def text(self, node: etree._Element) -> str:
        texts: list[str] = []
        self._gather(node, texts)
        return "".join(texts)

    def _gather(self, node: etree._Element, texts: list[str]) -> None:
        texts.append(node.text or "")
        for child in node:
            tag = local_name(child)
            if tag in {"s", "tab"}:
                texts.append(" ")
            elif tag == "line-break":
                texts.append("\n")
            elif tag == "object":
                texts.append(self._formula(child))
            elif tag in {"p", "h"}:
                texts.append(" ")
                self._gather(child, texts)
            elif tag == "ruby-text":  # the reading of the preceding characters
                texts += ["(", self.text(child), ")"]
            elif _is_read(child, tag) and tag != "text-box":
                start = len(texts)
                self._gather(child, texts)
                place = self._places.get(child.get(f"{_TEXT}style-name", ""))
                if place is True:
                    superscript_last(texts, start)
                elif place is False:
                    subscript_last(texts, start, child.tail or "")
            texts.append(child.tail or "")

    def _formula(self, node: etree._Element) -> str:
        root = self._object(node)
        return mathml.formula(root) if root is not None and local_name(root) == "math" else ""


def _box(shape: etree._Element) -> Box | None:
    """The bounding box of a shape, in the unit used throughout the file."""
    told = [_LENGTH.match(shape.get(f"{_SVG}{name}", "")) for name in ("x", "y", "width", "height")]
    lengths = [float(match[0]) for match in told if match is not None]
    if len(lengths) < len(told):
        return None
    left, top, width, height = lengths
    return Box(left, top, left + width, top + height)


def _author(comment: etree._Element) -> str:
    author = (comment.findtext("{*}creator") or "").strip()
    return f"Comment by {author}: " if author else "Comment: "


def rows_of(table: etree._Element) -> Iterator[etree._Element]:
    """The rows of a table without those of nested tables, which are part of their cell's text."""
    for child in table:
        tag = local_name(child)
        if tag == "table-row":
            yield child
        elif tag in _GROUPS:
            yield from rows_of(child)


def _outside_boxes(node: etree._Element) -> Iterator[etree._Element]:
    """The descendants of a node, including text boxes but not what is inside these."""
    for child in node:
        yield child
        if local_name(child) != "text-box":
            yield from _outside_boxes(child)


def _is_read(node: etree._Element, tag: str) -> bool:
    if tag == "page-number" and (node.text or "").startswith("<"):  # a placeholder
        return False
    return bool(tag) and tag not in _SKIPPED and node.tag not in _DESCRIBED


def _level(heading: etree._Element) -> int:
    level = heading.get(f"{_TEXT}outline-level", "1")
    return int(level) if level.isdigit() else 1
