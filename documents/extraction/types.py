"""Detects the type of a file by its content. Fast, and safe on an unchecked file."""

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePath

import olefile

from documents.exceptions import EmptyFile, UnsupportedButHelpable, UnsupportedType
from documents.extraction.archives import (
    UNCHECKED_DIRECTORY_BYTES,
    UNREADABLE,
    open_archive,
)
from documents.extraction.utf16 import utf16_of
from tasks.exceptions import gettext_noop

_SAMPLE = 64 * 1024


@dataclass(frozen=True, slots=True)
class FileType:
    extension: str  # with the dot
    label: str  # in English


_OOXML = "application/vnd.openxmlformats-officedocument."
DOCX = _OOXML + "wordprocessingml.document"
PPTX = _OOXML + "presentationml.presentation"
XLSX = _OOXML + "spreadsheetml.sheet"
XLSB = "application/vnd.ms-excel.sheet.binary.macroenabled.12"
XLS = "application/vnd.ms-excel"
ODT = "application/vnd.oasis.opendocument.text"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
ODP = "application/vnd.oasis.opendocument.presentation"
DOC = "application/msword"
PPT = "application/vnd.ms-powerpoint"
EPUB = "application/epub+zip"
MSG = "application/vnd.ms-outlook"
NOTEBOOK = "application/x-ipynb+json"

SUPPORTED: dict[str, FileType] = {
    "text/plain": FileType(".txt", gettext_noop("Plain text")),
    "text/markdown": FileType(".md", "Markdown"),
    "text/html": FileType(".html", gettext_noop("Web page")),
    "text/csv": FileType(".csv", gettext_noop("Comma-separated values")),
    "text/tab-separated-values": FileType(".tsv", gettext_noop("Tab-separated values")),
    "text/x-rst": FileType(".rst", "reStructuredText"),
    "text/org": FileType(".org", gettext_noop("Org mode")),
    "application/json": FileType(".json", "JSON"),
    "application/xml": FileType(".xml", "XML"),
    NOTEBOOK: FileType(".ipynb", gettext_noop("Jupyter notebook")),
    "application/pdf": FileType(".pdf", "PDF"),
    "application/rtf": FileType(".rtf", gettext_noop("Rich text")),
    DOCX: FileType(".docx", gettext_noop("Word document")),
    PPTX: FileType(".pptx", gettext_noop("PowerPoint presentation")),
    DOC: FileType(".doc", gettext_noop("Word 97-2003 document")),
    PPT: FileType(".ppt", gettext_noop("PowerPoint 97-2003 presentation")),
    XLSX: FileType(".xlsx", gettext_noop("Excel workbook")),
    XLSB: FileType(".xlsb", gettext_noop("Excel binary workbook")),
    XLS: FileType(".xls", gettext_noop("Excel 97-2003 workbook")),
    ODT: FileType(".odt", gettext_noop("OpenDocument text")),
    ODS: FileType(".ods", gettext_noop("OpenDocument spreadsheet")),
    ODP: FileType(".odp", gettext_noop("OpenDocument presentation")),
    EPUB: FileType(".epub", gettext_noop("E-book")),
    "message/rfc822": FileType(".eml", gettext_noop("E-mail")),
    MSG: FileType(".msg", gettext_noop("Outlook message")),
    "image/png": FileType(".png", gettext_noop("PNG picture")),
    "image/jpeg": FileType(".jpg", gettext_noop("JPEG picture")),
    "image/tiff": FileType(".tiff", gettext_noop("TIFF picture")),
    "image/webp": FileType(".webp", gettext_noop("WebP picture")),
}

PICTURES = frozenset({"image/png", "image/jpeg", "image/tiff", "image/webp"})
ARCHIVES = frozenset({DOCX, PPTX, XLSX, XLSB, ODT, ODS, ODP, EPUB})  # zip files

_BY_EXTENSION = {kind.extension: mime for mime, kind in SUPPORTED.items()} | {
    ".markdown": "text/markdown",
    ".htm": "text/html",
    ".xhtml": "text/html",
    ".ott": ODT,
    ".ots": ODS,
    ".otp": ODP,
    ".tab": "text/tab-separated-values",
    ".jsonl": "application/json",
    ".ndjson": "application/json",
    ".geojson": "application/json",
    ".docm": DOCX,
    ".pptm": PPTX,
    ".xlsm": XLSX,
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
}
# The name only decides between types that are all text.
_NAMED_TEXT = {
    extension: mime
    for extension, mime in _BY_EXTENSION.items()
    if mime.startswith("text/")
    or mime in {"application/json", "application/xml", "message/rfc822", NOTEBOOK}
}
_OPENDOCUMENT = {mime.encode(): mime for mime in (ODT, ODS, ODP, EPUB)} | {
    f"{mime}-{kind}".encode(): mime for mime in (ODT, ODS, ODP) for kind in ("template", "web")
}
_OOXML_MAIN = {
    b"wordprocessingml.": DOCX,
    b"presentationml.": PPTX,
    b"spreadsheetml.": XLSX,
    b"ms-word.": DOCX,
    b"ms-powerpoint.": PPTX,
    b"ms-excel.sheet.binary.": XLSB,
    b"ms-excel.": XLSX,
}
# Stream names are case-insensitive.
_OLE_STREAMS = {"workbook": XLS, "book": XLS, "__properties_version1.0": MSG}
_CONVERTED = {"worddocument": DOC, "powerpoint document": PPT}  # where LibreOffice is installed
_NOT_CONVERTED = gettext_noop(
    "it is read through LibreOffice, which is not installed here; save it as {name}x"
)
_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
    b"II+\x00": "image/tiff",  # BigTIFF
    b"MM\x00+": "image/tiff",
}
_PHOTOS = {b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif"}  # HEIC, as of iPhones, and AVIF
_AS_PNG = gettext_noop("save the picture as .png")
_HINTS = {
    b"GIF8": _AS_PNG,
    b"\x1f\x8b": gettext_noop("unpack the archive and upload its files"),
    b"7z\xbc\xaf\x27\x1c": gettext_noop("unpack the archive and upload its files"),
    b"Rar!": gettext_noop("unpack the archive and upload its files"),
    b"BZh": gettext_noop("unpack the archive and upload its files"),
    b"\xfd7zXZ": gettext_noop("unpack the archive and upload its files"),
    b"\x7fELF": gettext_noop("it is a program"),
    b"MZ": gettext_noop("it is a program"),
}
_PDF_OBJECT = re.compile(rb"\d\s+obj\b")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# Atomic and possessive: unclosed comments must not cause backtracking.
_HTML = re.compile(rb"(?is)\s*+(?:<!--(?>.*?-->)\s*+)*+<(?:!doctype\s+html|html|head|body)[\s>]")
_XML = re.compile(rb"\s*<\?xml\s")
_XHTML = re.compile(rb"<html[\s>]", re.IGNORECASE)
_MAIL = re.compile(
    rb"(?i)(?:From [^\n]*\n)?(?:[a-z-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*?"
    rb"(?:Received|Message-ID|MIME-Version|Return-Path|Delivered-To):"
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def detect(path: Path, name: str, *, libreoffice: str = "") -> str:
    """The MIME type of the file, by its content; `name` only distinguishes kinds of text.

    Reads at most 64 KB of the file, and the directory of a container. `libreoffice` is
    `Limits.libreoffice`: without it, types it would have to convert are not supported. Raises
    EmptyFile or UnsupportedType.
    """
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
    if not head:
        raise EmptyFile
    extension = PurePath(name).suffix.lower()
    if head.startswith(b"%PDF-") or (b"%PDF-" in head[:1024] and _PDF_OBJECT.search(head)):
        return "application/pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _in_zip(path, extension)
    if head.startswith(_OLE):
        return _in_ole(path, extension, libreoffice)
    if head.startswith(b"{\\rtf"):
        return "application/rtf"
    if picture := _picture(head):
        return picture
    if hint := _hint(head):
        raise UnsupportedButHelpable(hint=hint)
    if not _is_text(head):
        raise UnsupportedType
    return _in_text(head, extension)


def _picture(head: bytes) -> str | None:
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for mark, mime in _PICTURES.items() if head.startswith(mark)), None)


def _hint(head: bytes) -> str | None:
    """What to do about a file of a known type that is not supported."""
    if head[4:12] in _PHOTOS:
        return _AS_PNG
    for signature, hint in _HINTS.items():
        if head.startswith(signature) and not (signature == b"MZ" and _is_text(head)):
            return hint
    return None


def _in_zip(path: Path, extension: str) -> str:
    try:
        with open_archive(path, max_directory_bytes=UNCHECKED_DIRECTORY_BYTES) as archive:
            found = _opendocument(archive) or _ooxml(archive)
    except UNREADABLE:
        # Damaged or absurd: accepted as the type it claims to be, so that validation can say what
        # is wrong.
        found = _container_named(extension)
    if found is None:
        raise UnsupportedButHelpable(hint="unpack the archive and upload its files")
    return found


def _container_named(extension: str) -> str | None:
    mime = _BY_EXTENSION.get(extension)
    return mime if mime in ARCHIVES else None


def _opendocument(archive: zipfile.ZipFile) -> str | None:
    return _OPENDOCUMENT.get(_start(archive, "mimetype", 100).strip())


def _ooxml(archive: zipfile.ZipFile) -> str | None:
    types = _start(archive, "[Content_Types].xml", 256 * 1024)
    for match in re.finditer(rb'ContentType\s*=\s*["\']([^"\']+)["\']', types):
        value = match[1].lower()
        if b"main+xml" not in value and b".binary.macroenabled.main" not in value:
            continue
        for mark, mime in _OOXML_MAIN.items():
            if mark in value:
                return mime
    return None


def _start(archive: zipfile.ZipFile, entry: str, size: int) -> bytes:
    try:
        with archive.open(entry) as file:
            return file.read(size)
    except (KeyError, RuntimeError, zipfile.BadZipFile, NotImplementedError, OSError, EOFError):
        return b""
    except Exception:  # noqa: BLE001 - zlib, lzma and bz2 have errors of their own; all mean unreadable
        return b""


def _in_ole(path: Path, extension: str, libreoffice: str) -> str:
    try:
        with olefile.OleFileIO(str(path)) as ole:
            streams = {entry[0].lower() for entry in ole.listdir(streams=True, storages=False)}
    except Exception as error:
        # olefile raises all kinds of errors on damaged files.
        raise UnsupportedButHelpable(hint=gettext_noop("the file is damaged")) from error
    for stream, mime in _OLE_STREAMS.items():
        if stream in streams:
            return mime
    if "encryptedpackage" in streams:  # validation refuses it with the right message
        return _container_named(extension) or DOCX
    for stream, mime in _CONVERTED.items():
        if stream in streams and libreoffice:
            return mime
        if stream in streams:
            raise UnsupportedButHelpable(hint=_NOT_CONVERTED.format(name=SUPPORTED[mime].extension))
    raise UnsupportedType


def _is_text(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if utf16_of(head):
        return True
    return len(_CONTROL.findall(head)) * 30 <= len(head)  # one in nine bytes of compressed data


def _in_text(head: bytes, extension: str) -> str:
    sample = _as_utf8(head)
    named = _NAMED_TEXT.get(extension)
    if named in {"text/markdown", "text/x-rst", "text/org", "text/csv", "message/rfc822"}:
        return named
    if _HTML.match(sample):
        return "text/html"
    if _XML.match(sample):
        is_page = named == "text/html" or _XHTML.search(sample[:2000])
        return "text/html" if is_page else "application/xml"
    if named is None and _MAIL.match(sample):
        return "message/rfc822"
    return named or "text/plain"


def _as_utf8(head: bytes) -> bytes:
    """The text's first bytes, converted to an ASCII-compatible encoding."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace").encode()
    if name := utf16_of(head):
        return head.decode(name, "replace").encode()
    return head.removeprefix(b"\xef\xbb\xbf")
