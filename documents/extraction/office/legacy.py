"""Word and PowerPoint 97 to 2003: converted by LibreOffice, then read like the newer formats."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import olefile
from unstructured.documents.elements import Element

from documents.exceptions import PasswordProtected
from documents.extraction.archives import check_archive
from documents.extraction.office import libreoffice
from documents.extraction.office.slides import read_pptx
from documents.extraction.office.word import read_docx
from documents.extraction.reading import Reading

# [MS-DOC] 2.5.2: bit 8 of the flags at 10 says the document is encrypted.
_WORD_FLAGS, _WORD_ENCRYPTED = 11, 0x01
# [MS-PPT] 2.3.2: headerToken of an encrypted file, after the record's header and its size.
_SLIDES_TOKEN, _SLIDES_ENCRYPTED = 12, bytes.fromhex("dfc4d1f3")


def read_doc(reading: Reading) -> Iterator[Element]:
    flags = _start(reading.path, "WordDocument", _WORD_FLAGS + 1)
    if flags[_WORD_FLAGS:] and flags[_WORD_FLAGS] & _WORD_ENCRYPTED:
        raise PasswordProtected
    yield from _converted(reading, "docx", read_docx)


def read_ppt(reading: Reading) -> Iterator[Element]:
    if _start(reading.path, "Current User", 16)[_SLIDES_TOKEN:] == _SLIDES_ENCRYPTED:
        raise PasswordProtected
    yield from _converted(reading, "pptx", read_pptx)


def _start(path: Path, stream: str, size: int) -> bytes:
    with olefile.OleFileIO(str(path)) as ole:
        data: bytes = ole.openstream(stream).read(size) if ole.exists(stream) else b""
    return data


def _converted(
    reading: Reading, ending: str, read: Callable[[Reading], Iterator[Element]]
) -> Iterator[Element]:
    limits = reading.limits
    path = libreoffice.convert(reading.path, ending, limits.libreoffice, Path.cwd())
    check_archive(path, limits)  # converting a bomb makes a bomb
    successor = replace(reading, path=path)
    yield from read(successor)
    reading.pages = successor.pages
