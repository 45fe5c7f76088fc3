"""OpenDocument spreadsheets: a sheet is a page."""

from collections.abc import Iterator
from itertools import repeat

from lxml import etree
from unstructured.documents.elements import Element, Table

from documents.extraction import build
from documents.extraction.numerals import whole
from documents.extraction.office.opendocument import Document, rows_of
from documents.extraction.office.opendocument_values import value_of
from documents.extraction.office.sheet_sanitizing import letters_of
from documents.extraction.office.sheets import tables_of, tell_sheets, titled
from documents.extraction.reading import Reading
from documents.extraction.xml_packages import Package, opened

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_PARAGRAPH = f"{_TEXT}p"
_NOTE = f"{_OFFICE}annotation"
_ROWS, _COLUMNS = f"{_TABLE}number-rows-repeated", f"{_TABLE}number-columns-repeated"
_CELL = f"{_TABLE}table-cell"
_WIDEST_GAP = 256  # columns that a run of empty cells counts for, at most
_WIDEST = 16_384  # columns of any sheet


def read_ods(reading: Reading) -> Iterator[Element]:
    with opened(reading.path) as package:
        workbook = _Workbook(package)
        sheets = list(workbook.sheets())
        shown = [sheet for sheet in sheets if workbook.is_shown(sheet)]
        tell_sheets(reading, shown=len(shown), hidden=len(sheets) - len(shown))
        for number, sheet in enumerate(shown, 1):
            yield from titled(sheet.get(f"{_TABLE}name", ""), number, workbook.read(sheet, number))
            reading.progress(number, len(shown))


class _Workbook:
    def __init__(self, package: Package) -> None:
        self._document = Document(package)
        self._hidden = {
            style.get(f"{_STYLE}name", "")
            for style in self._document.styles("table")
            for settings in style.iterfind(f"{_STYLE}table-properties")
            if settings.get(f"{_TABLE}display") == "false"
        }
        self._beside: list[Element] = []

    def sheets(self) -> Iterator[etree._Element]:
        body = self._document.body("spreadsheet")
        if body is not None:
            yield from body.iterchildren(f"{_TABLE}table")

    def is_shown(self, sheet: etree._Element) -> bool:
        return sheet.get(f"{_TABLE}style-name") not in self._hidden

    def read(self, sheet: etree._Element, number: int) -> Iterator[Element]:
        """The tables of the cells, then drawings and comments."""
        self._document.page, self._beside = number, []
        yield from tables_of(self._rows(sheet), number)
        for shapes in sheet.iterchildren(f"{_TABLE}shapes"):
            self._draw(shapes)
        yield from self._beside

    def _rows(self, sheet: etree._Element) -> Iterator[list[str]]:
        at = 1
        for row in rows_of(sheet):
            cells = self._cells(row, at)
            count = _times(row.get(_ROWS))
            yield from repeat(cells, count if cells else 1)
            at += count

    def _cells(self, row: etree._Element, at: int) -> list[str]:
        """The row's texts up to the last non-empty one; a covered cell counts as empty."""
        cells: list[str] = []
        gap, column = 0, 1
        for cell in row.iterchildren(_CELL, f"{_TABLE}covered-table-cell"):
            text = self._cell(cell, at, column) if cell.tag == _CELL else ""
            count = _times(cell.get(_COLUMNS))
            column += count
            if not text:
                gap += min(count, _WIDEST_GAP)
            else:
                cells += [""] * gap + [text] * min(count, _WIDEST)
                gap = 0
        return cells

    def _cell(self, cell: etree._Element, row: int, column: int) -> str:
        lines = list[str]()
        for child in cell:
            if child.tag == _PARAGRAPH:
                lines.append(self._document.text(child) if len(child) else child.text or "")
            elif child.tag == _NOTE:
                self._comment(child, f"{letters_of(column).decode()}{row}")
            else:
                self._draw(child)
        return value_of(cell, "\n".join(lines).strip())

    def _comment(self, note: etree._Element, place: str) -> None:
        text = " ".join(map(self._document.text, note.iter(_PARAGRAPH))).strip()
        if text:
            comment = build.paragraph(f"Comment on {place}: {text}", self._document.page)
            self._beside.append(comment)

    def _draw(self, shape: etree._Element) -> None:
        """A text box, a picture or a chart, whose numbers are in the cells."""
        drawn = self._document.block(shape)
        self._beside += (element for element in drawn if not isinstance(element, Table))


def _times(repeated: str | None) -> int:
    """How many rows or columns a node stands for."""
    return 1 if repeated is None else whole(repeated, 1)
