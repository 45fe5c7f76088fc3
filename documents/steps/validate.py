"""validate_file: checks the file's type, size and safety before a reader opens it."""

from dataclasses import dataclass
from pathlib import Path

import olefile

from documents.exceptions import (
    CorruptFile,
    EmptyFile,
    FileMissing,
    FileTooLarge,
    PasswordProtected,
)
from documents.extraction.archives import check_archive, open_archive
from documents.extraction.sandbox.client import sandbox
from documents.extraction.types import ARCHIVES, PICTURES, detect
from documents.limits import Limits

_MANIFEST_BYTES = 4_000_000  # thousands of parts; read into the worker's memory


@dataclass(frozen=True, slots=True)
class FileFacts:
    size: int  # bytes
    content_type: str


def validate_file(path: Path, *, name: str, limits: Limits) -> FileFacts:
    """The file's size and type, if it may be read.

    Raises FileMissing, EmptyFile, FileTooLarge, UnsupportedType, ArchiveBomb, PasswordProtected,
    CorruptFile, TooManyPages or ImageTooLarge; also the sandbox's errors for PDFs and pictures,
    which are opened there.
    """
    if not path.is_file():
        raise FileMissing
    size = path.stat().st_size
    if not size:
        raise EmptyFile
    if size > limits.max_bytes:
        raise FileTooLarge(limit_mb=limits.max_bytes // 1_000_000)
    content_type = detect(path, name, libreoffice=limits.libreoffice)
    _check_container(path, content_type, limits)
    if content_type == "application/pdf" or content_type in PICTURES:
        sandbox().check(path, content_type=content_type, name=name, limits=limits)
    return FileFacts(size=size, content_type=content_type)


def _check_container(path: Path, content_type: str, limits: Limits) -> None:
    if olefile.isOleFile(str(path)):
        _check_ole(path)
    elif content_type in ARCHIVES:
        check_archive(path, limits)
        _check_opendocument_key(path)


def _check_ole(path: Path) -> None:
    try:
        with olefile.OleFileIO(str(path)) as ole:
            encrypted = ole.exists("EncryptedPackage")
    except Exception as error:
        # olefile raises whatever the damage leads to.
        raise CorruptFile from error
    if encrypted:
        raise PasswordProtected


def _check_opendocument_key(path: Path) -> None:
    with open_archive(path, max_directory_bytes=2**32) as archive:
        if "META-INF/manifest.xml" not in archive.namelist():
            return
        with archive.open("META-INF/manifest.xml") as manifest:
            if b"encryption-data" in manifest.read(_MANIFEST_BYTES):
                raise PasswordProtected
