"""Excel workbooks: a sheet is a page."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from io import BytesIO
from itertools import chain, groupby
from pathlib import Path
from zipfile import BadZipFile

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
)
from unstructured.documents.elements import Element

from documents.exceptions import CorruptFile, PasswordProtected
from documents.extraction import build, types
from documents.extraction.office.cell_formats import Shape
from documents.extraction.office.cell_values import shown
from documents.extraction.office.sheet_parts import SheetParts
from documents.extraction.office.sheet_sanitizing import with_room
from documents.extraction.office.xls_encryption import is_locked
from documents.extraction.reading import Reading
from documents.extraction.xml_packages import opened

_PANIC = "PanicException"  # a panic of the library: no subclass of Exception, and not importable


def read_workbook(reading: Reading) -> Iterator[Element]:
    try:
        with ExitStack() as stack:
            is_xlsx = reading.content_type == types.XLSX
            source = _source(reading) if is_xlsx else reading.path
            workbook = stack.enter_context(CalamineWorkbook.from_object(source))
            beside = SheetParts(stack.enter_context(opened(source))) if is_xlsx else None
            yield from _sheets(reading, workbook, beside)
    except PasswordError as error:
        raise PasswordProtected from error
    except (CalamineError, OSError, BadZipFile) as error:
        raise (PasswordProtected if is_locked(reading.path) else CorruptFile) from error
    except BaseException as error:
        if type(error).__name__ == _PANIC:
            raise CorruptFile from error
        raise


def _source(reading: Reading) -> Path | BytesIO:
    source, unanswered = with_room(reading.path, reading.limits.memory_bytes)
    if unanswered:
        reading.warnings.append(f"{unanswered} formulas have no result in the file")
    return source


def _sheets(
    reading: Reading, workbook: CalamineWorkbook, beside: SheetParts | None
) -> Iterator[Element]:
    sheets = [sheet for sheet in workbook.sheets_metadata if _is_read(sheet, beside)]
    visible = [sheet for sheet in sheets if sheet.visible is SheetVisibleEnum.Visible]
    tell_sheets(reading, shown=len(visible), hidden=len(sheets) - len(visible))
    for number, sheet in enumerate(visible, 1):
        yield from titled(sheet.name, number, _content(workbook, sheet, number, beside))
        reading.progress(number, len(visible))


def tell_sheets(reading: Reading, *, shown: int, hidden: int) -> None:
    if hidden:
        reading.details["hidden_sheets"] = hidden
        reading.warnings.append(f"{hidden} hidden sheets were left out")
    reading.details["sheets"] = shown
    reading.set_pages(shown)


def _is_read(sheet: SheetMetadata, beside: SheetParts | None) -> bool:
    is_chart = sheet.typ is SheetTypeEnum.ChartSheet
    return sheet.typ is SheetTypeEnum.WorkSheet or (is_chart and beside is not None)


def titled(name: str, number: int, content: Iterator[Element]) -> Iterator[Element]:
    """The sheet's name above its content, if it has any."""
    for at, element in enumerate(content):
        if not at:
            yield build.title(name, 1, number)
        yield element


def _content(
    workbook: CalamineWorkbook, sheet: SheetMetadata, number: int, beside: SheetParts | None
) -> Iterator[Element]:
    """The tables of the cells, then drawings and comments."""
    if sheet.typ is SheetTypeEnum.WorkSheet:
        rows = _rows(workbook.get_sheet_by_name(sheet.name), beside, sheet.name)
        yield from tables_of(rows, number)
    if beside is None:
        return
    yield from beside.drawn(sheet.name, number, whole=sheet.typ is SheetTypeEnum.ChartSheet)
    for cell, comment in beside.comments(sheet.name):
        yield build.paragraph(f"Comment on {cell}: {comment}", number)


def _rows(sheet: CalamineSheet, beside: SheetParts | None, name: str) -> Iterator[list[str]]:
    seen = beside.seen(name) if beside is not None else {}
    _, left = sheet.start or (0, 0)  # rows are counted from the sheet's first; columns start here
    for at, row in enumerate(sheet.iter_rows()):
        cells = [shown(value) for value in row]
        for column, as_seen in seen.get(at, ()):
            if 0 <= column - left < len(row):
                cells[column - left] = _seen(row[column - left], cells[column - left], as_seen)
        yield cells


def _seen(value: object, text: str, as_seen: Shape | str) -> str:
    if isinstance(as_seen, str):
        return as_seen if isinstance(value, str) else text
    return as_seen.of(value, text) if isinstance(value, float) else text


def tables_of(rows: Iterable[list[str]], number: int) -> Iterator[Element]:
    """A table for every run of rows between empty ones."""
    for filled, run in groupby(rows, key=any):
        if filled:
            yield from _run(run, number)


def _run(rows: Iterable[list[str]], number: int) -> Iterator[Element]:
    """Rows of one cell before a table are its caption; the rest is the table."""
    source = iter(rows)
    for row in source:
        filled = [cell for cell in row if cell]
        if len(filled) > 1:
            yield from build.tables(chain([row], source), number)
            return
        yield build.paragraph(filled[0], number)
