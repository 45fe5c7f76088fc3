"""What the workbook library does not tell of .xlsx: shapes of numbers, drawings and comments."""

import re
from collections.abc import Iterator
from functools import cached_property

from lxml import etree
from unstructured.documents.elements import Element, Table

from documents.extraction import parts
from documents.extraction.cell_values import shape_of
from documents.extraction.charts import chart_elements
from documents.extraction.packages import Package
from documents.extraction.sheet_texts import Cell, cell_texts, column_of, shared_texts

_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_D = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_CELL = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})" s="(\d{1,6})"')
_BUILT_IN = {"9": ".0%", "10": ".2%"}  # the percentages that have no format of their own


class SheetParts:
    """The parts of an open .xlsx that belong to its sheets."""

    def __init__(self, package: Package) -> None:
        self._package = package

    def shapes(self, sheet: str) -> dict[Cell, str]:
        """The cells that show a number in a shape of its own, and that as `shape_of` tells it."""
        styles, data = self._shaped_styles, None
        if styles:
            data = self._package.bytes(self._parts.get(sheet, ""))
        return {
            (int(row) - 1, column_of(column)): styles[int(style)]
            for column, row, style in _CELL.findall(data or b"")
            if int(style) in styles
        }

    def texts(self, sheet: str) -> dict[Cell, str]:
        """The cells whose text has raised signs in it, and that as it is seen."""
        if self._shared == {}:
            return {}  # as in nearly all: no sheet need be looked through
        data = self._package.bytes(self._parts.get(sheet, ""))
        return dict(cell_texts(data or b"", self._shared or {}))

    def comments(self, sheet: str) -> Iterator[tuple[str, str]]:
        """Cell, such as "B2", and comment."""
        for part in self._package.related_of(self._parts.get(sheet, ""), "comments"):
            root = self._package.xml(part)
            for node in root.iter(f"{_S}comment") if root is not None else ():
                text = "".join(each.text or "" for each in node.iter(f"{_S}t")).strip()
                if text:
                    yield node.get("ref", ""), text

    def drawn(self, sheet: str, page: int, *, whole: bool) -> Iterator[Element]:
        """Text boxes, diagrams, what is said of pictures, and charts.

        Of charts on a sheet with cells, where their numbers are, the titles; else `whole`.
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
        """The texts that cells share, if they have raised signs in them; None: they share none."""
        for part in self._package.related_of(self._package.main_part(), "sharedStrings"):
            return shared_texts(self._package.bytes(part) or b"")
        return None

    @cached_property
    def _shaped_styles(self) -> dict[int, str]:
        """The same of the styles of cells."""
        for part in self._package.related_of(self._package.main_part(), "styles"):
            root = self._package.xml(part)
            if root is not None:
                return _shaped_styles(root)
        return {}


def _drawn(root: etree._Element | None, page: int) -> Iterator[Element]:
    """The paragraphs of a drawing, and the descriptions of its pictures."""
    for node in root.iter(f"{_A}p", f"{_D}cNvPr") if root is not None else ():
        if node.tag == f"{_D}cNvPr":
            yield from parts.description(node.get("descr", ""), page)
        elif text := "".join(each.text or "" for each in node.iter(f"{_A}t")).strip():
            yield parts.paragraph(text, page)


def _shaped_styles(root: etree._Element) -> dict[int, str]:
    shapes = dict(_BUILT_IN)
    for node in root.iter(f"{_S}numFmt"):
        if (shape := shape_of(node.get("formatCode", ""))) is not None:
            shapes[node.get("numFmtId", "")] = shape
    cells = root.find(f"{_S}cellXfs")
    return {
        at: shapes[number]
        for at, style in enumerate(cells if cells is not None else ())
        if (number := style.get("numFmtId", "")) in shapes
    }
