"""Makes workbooks readable for the workbook library: without cells far apart (a stray blank at
XFD1048576 would allocate half a terabyte) and without macro sheets."""

import io
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

from documents.exceptions import CellsTooFarApart

_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_MAIN, _LINKS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
_STRANGE = re.compile(r"xl/(?:macro|dialog)sheets/", re.IGNORECASE)
_LINK_TO_STRANGE = re.compile(
    rb'<Relationship\s(?=[^>]*Target="[^"]*(?:macro|dialog)sheets/)[^>]*\bId="([^"]+)"'
)
_ROW = re.compile(rb'<(?:\w+:)?row\s(?:[^<>]*?\s)?r="(\d{1,10})"')
_COLUMN = re.compile(rb' r="([A-Z]{1,3})\d')
_PLACE = re.compile(rb'(<(?:\w+:)?(?:row|c)\s(?:[^<>]*?\s)?r=")([A-Z]{0,3})(\d{1,10})"')
_UNANSWERED = (b"</f></c>", b"</f><v></v></c>", b"</f><v/></c>")  # formulas without a result
_CELL_BYTES = 32  # that the library allocates per cell between first and last, empty or not
_SHARE = 4  # share of the memory for the cells: one in …


def with_room(path: Path, memory_bytes: int) -> tuple[Path | io.BytesIO, int]:
    """The workbook (.xlsx) and how many of its formulas have no result. If necessary it is a copy,
    with each run of empty rows or columns reduced to one, and without macro and dialog sheets.

    Raises TooComplex if it is still too large.
    """
    most = memory_bytes // _SHARE // _CELL_BYTES
    large, unanswered = list[str](), 0
    with zipfile.ZipFile(path) as archive:
        for name in filter(_SHEET.fullmatch, archive.namelist()):
            data = archive.read(name)
            unanswered += sum(map(data.count, _UNANSWERED))
            large += [name] if _cells(data) > most else []
        is_odd = large or any(map(_STRANGE.match, archive.namelist()))
        return (_rewritten(archive, large, most) if is_odd else path), unanswered


def _cells(data: bytes) -> int:
    """How many cells there are between the first and the last one, at most."""
    rows = max(map(int, set(_ROW.findall(data))), default=0)
    return rows * max(map(_number, set(_COLUMN.findall(data))), default=1)


def _rewritten(archive: zipfile.ZipFile, large: list[str], most: int) -> io.BytesIO:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as new:
        for name in archive.namelist():
            data = archive.read(name)
            if name in large:
                data = _closer(data)
                if _cells(data) > most:
                    raise CellsTooFarApart
            elif name == _MAIN and _LINKS in archive.namelist():
                data = _of_cells(data, archive.read(_LINKS))
            new.writestr(name, data)
    file.seek(0)
    return file


def _of_cells(main: bytes, links: bytes) -> bytes:
    """The list of sheets without macro and dialog sheets, which the library does not know."""
    for link in _LINK_TO_STRANGE.findall(links):
        main = re.sub(rb'<(?:\w+:)?sheet\s[^>]*:id="%s"[^>]*/>' % re.escape(link), b"", main)
    return main


def _closer(data: bytes) -> bytes:
    found = _PLACE.findall(data)
    rows = _ranks(int(row) for _, _, row in found)
    columns = _ranks(_number(column) for _, column, _ in found)

    def moved(match: re.Match[bytes]) -> bytes:
        column = letters_of(columns[_number(match[2])])
        return b'%s%s%d"' % (match[1], column, rows[int(match[3])])

    return _PLACE.sub(moved, data)


def _ranks(numbers: Iterable[int]) -> dict[int, int]:
    """Each number -> a smaller one in the same order; each gap shrinks to one."""
    ranks, rank, before = {0: 0}, 0, 0
    for number in sorted(set(numbers) - {0}):
        rank += 1 if number == before + 1 else 2
        ranks[number], before = rank, number
    return ranks


def _number(letters: bytes) -> int:
    """The number of a column, 1 for A; 0 for a row, which has no letters."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def letters_of(number: int) -> bytes:
    """The name of a column, "A" for 1."""
    letters = b""
    while number:
        number, digit = divmod(number - 1, 26)
        letters = bytes([65 + digit]) + letters
    return letters
