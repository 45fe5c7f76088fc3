"""Passwords of .xls that the workbook library does not know, such as those of Excel 95."""

import contextlib
from pathlib import Path

import olefile

_STREAMS = ("Workbook", "Book")
_FILEPASS = 0x2F  # the record that says how the others are encrypted
_FIRST = 20  # records, which it is among


def is_locked(path: Path) -> bool:
    if not olefile.isOleFile(str(path)):
        return False
    with contextlib.suppress(Exception), olefile.OleFileIO(str(path)) as ole:  # whatever is damaged
        name = next(name for name in _STREAMS if ole.exists(name))
        with ole.openstream(name) as stream:
            return any(_record(stream.read(4), stream) == _FILEPASS for _ in range(_FIRST))
    return False


def _record(head: bytes, stream: olefile.olefile.OleStream) -> int:
    """The kind of a record, which is read to its end."""
    stream.read(int.from_bytes(head[2:], "little"))
    return int.from_bytes(head[:2], "little")
