"""Zip containers, opened without trusting their own claims."""

import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from documents.exceptions import ArchiveBomb, CorruptFile, PasswordProtected
from documents.limits import Limits

UNCHECKED_DIRECTORY_BYTES = 4_000_000  # of an unchecked file
UNREADABLE = (ArchiveBomb, zipfile.BadZipFile, OSError, ValueError, NotImplementedError)
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_BLOCK = 1 << 20
_ENCRYPTED = 0x1
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
# The parts that readers unpack; images, sounds and fonts are never touched.
_READ = (".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx", ".bin", ".vml")


def open_archive(path: Path, *, max_directory_bytes: int) -> zipfile.ZipFile:
    """Open a zip whose central directory fits in memory. Raises ArchiveBomb or BadZipFile.

    Only the compression methods of office files are allowed: the decoders of LZMA and bzip2 take as
    much memory as the file asks for.
    """
    with path.open("rb") as file:
        if _directory_bytes(file) > max_directory_bytes:
            raise ArchiveBomb
    archive = zipfile.ZipFile(path)
    if any(entry.compress_type not in _METHODS for entry in archive.infolist()):
        archive.close()
        raise zipfile.BadZipFile
    return archive


def markup_bytes(path: Path) -> int:
    """The declared unpacked size of the parts that readers use, in bytes; 0 for a damaged zip."""
    try:
        with open_archive(path, max_directory_bytes=UNCHECKED_DIRECTORY_BYTES) as archive:
            parts = (entry for entry in archive.infolist() if _is_read(entry))
            return sum(entry.file_size for entry in parts)
    except UNREADABLE:
        return 0


def _is_read(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.lower().endswith(_READ)


def _directory_bytes(file: BinaryIO) -> int:
    file.seek(0, 2)
    size = file.tell()
    tail_at = max(0, size - 0xFFFF - _END.size)
    file.seek(tail_at)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + _END.size > len(tail):
        raise zipfile.BadZipFile
    directory = int(_END.unpack_from(tail, at)[5])
    larger = _directory_bytes64(file, tail_at + at)
    return directory if larger is None else larger


def _directory_bytes64(file: BinaryIO, end_at: int) -> int | None:
    """The directory size by the zip64 record, which `zipfile` believes wherever there is one."""
    record_at = end_at - _LOCATOR.size - _END64.size
    if record_at < 0:
        return None
    file.seek(record_at)
    record, locator = file.read(_END64.size), file.read(_LOCATOR.size)
    is_there = record.startswith(b"PK\x06\x06") and locator.startswith(b"PK\x06\x07")
    return int(_END64.unpack(record)[8]) if is_there else None


def check_archive(path: Path, limits: Limits) -> None:
    """Refuse a zip that unpacks to too much, is encrypted or is damaged.

    The declared sizes are added up first; then the parts that readers use are actually unpacked,
    block by block, and counted. Raises ArchiveBomb, PasswordProtected or CorruptFile.
    """
    try:
        with open_archive(path, max_directory_bytes=limits.max_entries * 400) as archive:
            _check_declared(archive, limits)
            _check_real(archive, limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise CorruptFile from error


def _check_declared(archive: zipfile.ZipFile, limits: Limits) -> None:
    entries = archive.infolist()
    if len(entries) > limits.max_entries:
        raise ArchiveBomb
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise PasswordProtected
    _check_size(sum(e.file_size for e in entries), sum(e.compress_size for e in entries), limits)
    for entry in entries:
        _check_size(entry.file_size, entry.compress_size, limits)


def _check_size(inflated: int, packed: int, limits: Limits) -> None:
    if inflated > limits.max_inflated_bytes:
        raise ArchiveBomb
    if inflated > limits.ratio_applies_above and inflated > packed * limits.max_ratio:
        raise ArchiveBomb


def _check_real(archive: zipfile.ZipFile, limits: Limits) -> None:
    inflated = 0
    for entry in archive.infolist():
        if not _is_read(entry):
            continue
        with archive.open(entry) as file:
            while block := file.read(_BLOCK):
                inflated += len(block)
                if inflated > limits.max_inflated_bytes:
                    raise ArchiveBomb
