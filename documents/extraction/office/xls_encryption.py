"""Detects encrypted .xls files that the workbook library does not recognise, such as Excel 95's."""

import contextlib
from pathlib import Path

import olefile

_STREAMS = ("Workbook", "Book")
_FILEPASS = 0x2F  # the record that describes the encryption
_FIRST = 20  # it is among the first records


def is_locked(path: Path) -> bool:
    if not olefile.isOleFile(str(path)):
        return False
    with contextlib.suppress(Exception), olefile.OleFileIO(str(path)) as ole:  # if damaged
        name = next(name for name in _STREAMS if ole.exists(name))
        with ole.openstream(name) as stream:
            return any(_record(stream.read(4), stream) == _FILEPASS for _ in range(_FIRST))
    return False


def _record(head: bytes, stream: olefile.olefile.OleStream) -> int:
    """The type of a record, after reading past its end."""
    stream.read(int.from_bytes(head[2:], "little"))
    return int.from_bytes(head[:2], "little")
