"""What the workbook library does not report of .xlsx: number formats, drawings and comments."""

import re
from collections.abc import Iterator
from functools import cached_property

from lxml import etree
from unstructured.documents.elements import Element, Table

from documents.extraction import build
from documents.extraction.office.cell_formats import Shape, shape_of
from documents.extraction.office.charts import chart_elements
from documents.extraction.office.sheet_rich_text import cell_texts, column_of, shared_texts
from documents.extraction.xml_packages import Package

_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_D = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_CELL = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})" s="(\d{1,6})"')
# The built-in percentage formats.
_BUILT_IN = {"9": Shape(".0%"), "10": Shape(".2%")}

# Row -> columns, with the shape of the number in each, or its text. All counted from 0.
Seen = dict[int, list[tuple[int, Shape | str]]]


class SheetParts:
    """The parts of an open .xlsx that belong to its sheets."""

    def __init__(self, package: Package) -> None:
        self._package = package

    def seen(self, sheet: str) -> Seen:
        """Row, from 0 -> cells that are displayed differently than the workbook library reports
        them."""
        seen: Seen = {}
        if not self._shaped_styles and self._shared == {}:
            return seen  # no sheet needs searching
        data = self._package.bytes(self._parts.get(sheet, "")) or b""
        for column, row, style in _CELL.findall(data) if self._shaped_styles else ():
            if (shape := self._shaped_styles.get(style)) is not None:
                seen.setdefault(int(row) - 1, []).append((column_of(column), shape))
        for (at, column), text in (
            () if self._shared == {} else cell_texts(data, self._shared or {})
        ):
            seen.setdefault(at, []).append((column, text))
        return seen

    def comments(self, sheet: str) -> Iterator[tuple[str, str]]:
        """Cell reference, such as "B2", and comment."""
        for part in self._package.related_of(self._parts.get(sheet, ""), "comments"):
            root = self._package.xml(part)
            for node in root.iter(f"{_S}comment") if root is not None else ():
                text = "".join(each.text or "" for each in node.iter(f"{_S}t")).strip()
                if text:
                    yield node.get("ref", ""), text

    def drawn(self, sheet: str, page: int, *, whole: bool) -> Iterator[Element]:
        """Text boxes, diagrams, descriptions of pictures, and charts.

        Unless `whole`, charts are reduced to their titles: on a sheet with cells, their numbers are
        there.
        """
        package = self._package
        for part in package.related_of(self._parts.get(sheet, ""), "drawing"):
            yield from _drawn(package.xml(part), page)
            for diagram in package.related_of(part, "diagramData"):
                yield from _drawn(package.xml(diagram), page)
            for chart in package.related_of(part, "chart"):
                made = chart_elements(package.xml(chart), page)
                yield from (each for each in made if whole or not isinstance(each, Table))

    @cached_property
    def _parts(self) -> dict[str, str]:
        """A sheet's name -> its part."""
        main = self._package.main_part()
        root, links = self._package.xml(main), self._package.related(main)
        sheets = root.iter(f"{_S}sheet") if root is not None else ()
        return {
            sheet.get("name", ""): links[link][1]
            for sheet in sheets
            if (link := sheet.get(f"{_R}id", "")) in links
        }

    @cached_property
    def _shared(self) -> dict[int, str] | None:
        """The shared strings, if they contain superscripts or subscripts; None if there are
        none."""
        for part in self._package.related_of(self._package.main_part(), "sharedStrings"):
            return shared_texts(self._package.bytes(part) or b"")
        return None

    @cached_property
    def _shaped_styles(self) -> dict[bytes, Shape]:
        """The cell styles, by index, that give numbers a shape."""
        for part in self._package.related_of(self._package.main_part(), "styles"):
            root = self._package.xml(part)
            if root is not None:
                return _shaped_styles(root)
        return {}


def _drawn(root: etree._Element | None, page: int) -> Iterator[Element]:
    """The paragraphs of a drawing, and the descriptions of its pictures."""
    for node in root.iter(f"{_A}p", f"{_D}cNvPr") if root is not None else ():
        if node.tag == f"{_D}cNvPr":
            yield from build.description(node.get("descr", ""), page)
        elif text := "".join(each.text or "" for each in node.iter(f"{_A}t")).strip():
            yield build.paragraph(text, page)


def _shaped_styles(root: etree._Element) -> dict[bytes, Shape]:
    shapes = dict(_BUILT_IN)
    for node in root.iter(f"{_S}numFmt"):
        if (shape := shape_of(node.get("formatCode", ""))) is not None:
            shapes[node.get("numFmtId", "")] = shape
    cells = root.find(f"{_S}cellXfs")
    return {
        b"%d" % at: shapes[number]
        for at, style in enumerate(cells if cells is not None else ())
        if (number := style.get("numFmtId", "")) in shapes
    }
