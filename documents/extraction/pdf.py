"""The text layer of PDFs, line by line with its geometry, through PDFium."""

import ctypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium
from unstructured.documents.elements import Element

from documents.exceptions import CorruptFile, PasswordProtected
from documents.extraction.pdf_layout import elements_of_pages
from documents.extraction.reading import Reading

_FORCE_BOLD = 1 << 18
_BOLD_NAME = re.compile(rb"bold|black|heavy|semibold|demi|-bd|cmbx|cmb\d", re.IGNORECASE)
# What PDFium puts where a line ends in a hyphen that was set by the typesetter.
_SOFT_HYPHENS = ("\x02", "\ufffe", "\xad")
_ENCRYPTED = (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)


@dataclass(slots=True)
class Line:
    """A line as it stands on the page. Coordinates are in points from the bottom left."""

    text: str
    left: float
    right: float
    bottom: float
    top: float
    bold: bool
    page: int = 0

    @property
    def height(self) -> float:
        return self.top - self.bottom


@dataclass(slots=True)
class Page:
    number: int  # 1-based
    height: float
    lines: list[Line]


@contextmanager
def opened(reading: Reading) -> Iterator[pypdfium2.PdfDocument]:
    """The open document, its pages counted. Raises PasswordProtected, CorruptFile, TooManyPages."""
    try:
        document = pypdfium2.PdfDocument(reading.path)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) in _ENCRYPTED:
            raise PasswordProtected from error
        raise CorruptFile from error
    try:
        if not len(document):
            raise CorruptFile
        reading.set_pages(len(document))
        yield document
    finally:
        document.close()


def read_pdf(reading: Reading) -> Iterator[Element]:
    with opened(reading) as document:
        total = len(document)
        pages = []
        for at in range(total):
            pages.append(_page(document, at))
            reading.progress(at + 1, total)
        _note_empty(reading, pages)
        yield from elements_of_pages(pages, _outline(document))


def _note_empty(reading: Reading, pages: list[Page]) -> None:
    empty = sum(not page.lines for page in pages)
    if empty:
        reading.details["empty_pages"] = empty
        reading.warnings.append(f"{empty} of {len(pages)} pages have no text")


def _page(document: pypdfium2.PdfDocument, at: int) -> Page:
    try:
        page = document[at]
    except pypdfium2.PdfiumError:  # one damaged page is no reason to give up the others
        return Page(at + 1, 0.0, [])
    try:
        textpage = page.get_textpage()
        lines = list(_lines(textpage, at + 1))
        textpage.close()
        return Page(at + 1, page.get_height(), lines)
    finally:
        page.close()


def _lines(textpage: pypdfium2.PdfTextPage, number: int) -> Iterator[Line]:
    at = 0
    for raw in textpage.get_text_range().split("\n"):
        text = raw.rstrip()
        stripped = text.lstrip()
        if stripped:
            first = at + len(text) - len(stripped)
            if line := _line(textpage, stripped, first, at + len(text) - 1):
                line.page = number
                yield line
        at += len(raw) + 1


def _line(textpage: pypdfium2.PdfTextPage, text: str, first: int, last: int) -> Line | None:
    """A line between two places in the page's text, both included."""
    start, end = (pdfium.FPDFText_GetCharIndexFromTextIndex(textpage, at) for at in (first, last))
    if text.endswith(_SOFT_HYPHENS):
        text, end = text[:-1] + "\xad", end - 1
    left, right = _box(textpage, start), _box(textpage, max(start, end))
    middle = _box(textpage, (start + end) // 2)  # the first may be an initial or a superscript
    bold = _is_bold(textpage, start) and _is_bold(textpage, (start + end) // 2)
    return Line(text, left[0], right[1], middle[2], middle[3], bold)


def _box(textpage: pypdfium2.PdfTextPage, index: int) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a character with its line's ascent and descent."""
    rect = pdfium.FS_RECTF()
    if not pdfium.FPDFText_GetLooseCharBox(textpage, index, rect):
        return 0.0, 0.0, 0.0, 0.0
    return rect.left, rect.right, rect.bottom, rect.top


def _is_bold(textpage: pypdfium2.PdfTextPage, index: int) -> bool:
    name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(textpage, index, name, 128, flags)
    return bool(flags.value & _FORCE_BOLD) or bool(_BOLD_NAME.search(name.value))


def _outline(document: pypdfium2.PdfDocument) -> dict[int, dict[str, int]]:
    """Page number -> title without blanks, in lower case -> level, from the bookmarks."""
    found: dict[int, dict[str, int]] = {}
    for count, bookmark in enumerate(document.get_toc(max_depth=6)):
        if count >= 10_000:
            break
        destination = bookmark.get_dest()
        page = destination.get_index() if destination else None
        title = "".join(bookmark.get_title().lower().split())
        if page is not None and title:
            found.setdefault(page + 1, {})[title] = bookmark.level + 1
    return found
