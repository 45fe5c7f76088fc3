"""Workbooks of Excel and OpenDocument: a sheet is a page."""

from collections.abc import Iterable, Iterator
from datetime import datetime, time
from itertools import chain, groupby

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)
from unstructured.documents.elements import Element

from documents.exceptions import CorruptFile, PasswordProtected
from documents.extraction import parts
from documents.extraction.reading import Reading


def read_workbook(reading: Reading) -> Iterator[Element]:
    try:
        with CalamineWorkbook.from_path(reading.path) as workbook:
            yield from _sheets(reading, workbook)
    except PasswordError as error:
        raise PasswordProtected from error
    except (CalamineError, OSError) as error:
        raise CorruptFile from error


def _sheets(reading: Reading, workbook: CalamineWorkbook) -> Iterator[Element]:
    sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ is SheetTypeEnum.WorkSheet]
    shown = [sheet for sheet in sheets if sheet.visible is SheetVisibleEnum.Visible]
    if len(shown) < len(sheets):
        reading.warnings.append(f"{len(sheets) - len(shown)} hidden sheets were left out")
    reading.set_pages(len(shown))
    for number, sheet in enumerate(shown, 1):
        rows = workbook.get_sheet_by_name(sheet.name).iter_rows()
        yield from _sheet(sheet.name, number, ([_cell(value) for value in row] for row in rows))
        reading.progress(number, len(shown))


def _sheet(name: str, number: int, rows: Iterable[list[str]]) -> Iterator[Element]:
    """The sheet's name, then a table for every run of rows without an empty one between."""
    title: Element | None = parts.title(name, 1, number)
    for filled, run in groupby(rows, key=any):
        if not filled:
            continue
        if title is not None:
            yield title
            title = None
        yield from _run(run, number)


def _run(rows: Iterable[list[str]], number: int) -> Iterator[Element]:
    """Rows of one cell before a table are its caption; what remains is the table."""
    source = iter(rows)
    for row in source:
        filled = [cell for cell in row if cell]
        if len(filled) > 1:
            yield from parts.tables(chain([row], source), number)
            return
        yield parts.paragraph(filled[0], number)


def _cell(value: object) -> str:
    """A cell as people see it: whole numbers without a fraction, dates without a midnight."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.10g}" if abs(value) < 1e15 else str(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    return str(value).strip()
