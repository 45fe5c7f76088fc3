"""The text layer of PDFs, line by line with its geometry, through PDFium."""

import ctypes
import math
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
_BOLD_NAME = re.compile(rb"bold|black|heavy|demi|medi(?!um)|-bd|cmbx|cmb\d", re.IGNORECASE)
# Ends of visual lines: PDFium runs words together that the typesetter hyphenated, and puts one of
# these in the place of the hyphen.
_ENDS = re.compile("[^\n\x02\ufffe\xad]*[\n\x02\ufffe\xad]?")
_SOFT_HYPHENS = ("\x02", "\ufffe", "\xad")
_ENCRYPTED = (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)


@dataclass(slots=True)
class Line:
    """A line as it stands on the page. Lengths are in points, from the page's bottom left."""

    text: str
    left: float
    right: float
    base: float  # where its letters stand
    size: float  # of its type
    bold: bool
    page: int = 0


@dataclass(slots=True)
class Page:
    number: int  # 1-based
    height: float
    lines: list[Line]
    pictures: bool = False  # looked for only where there is no text


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
    if empty == len(pages):
        reading.details["scanned"] = any(page.pictures for page in pages)
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
        pictures = not lines and any(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE]))
        return Page(at + 1, page.get_height(), lines, pictures)
    finally:
        page.close()


def _lines(textpage: pypdfium2.PdfTextPage, number: int) -> Iterator[Line]:
    for match in _ENDS.finditer(textpage.get_text_range()):
        text = match[0].strip()
        if text and text not in _SOFT_HYPHENS:
            at = match.start() + len(match[0]) - len(match[0].lstrip())
            yield _line(textpage, text, at, number)


def _line(textpage: pypdfium2.PdfTextPage, text: str, at: int, number: int) -> Line:
    """A line that begins at a place in the page's text."""
    soft_hyphen = text.endswith(_SOFT_HYPHENS)
    first, middle, last = (
        pdfium.FPDFText_GetCharIndexFromTextIndex(textpage, at + place)
        for place in (0, _middle(text), len(text) - 1 - soft_hyphen)
    )
    bold = all(_is_bold(textpage, at) for at in {first, middle, max(first, last)})
    return Line(
        text=text[:-1] + "\xad" if soft_hyphen else text,
        left=_box(textpage, first).left,
        right=_box(textpage, max(first, last)).right,
        base=_base(textpage, middle),
        size=_size(textpage, middle),
        bold=bold,
        page=number,
    )


def _middle(text: str) -> int:
    """The letter nearest to the middle: signs and superscripts at the ends have other measures."""
    half = len(text) // 2
    nearest = sorted(
        range(max(0, half - 8), min(len(text), half + 8)), key=lambda at: abs(at - half)
    )
    return next((at for at in nearest if text[at].isalnum()), half)


def _box(textpage: pypdfium2.PdfTextPage, index: int) -> pdfium.FS_RECTF:
    rect = pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(textpage, index, rect)
    return rect


def _base(textpage: pypdfium2.PdfTextPage, index: int) -> float:
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetCharOrigin(textpage, index, x, y)
    return y.value


def _size(textpage: pypdfium2.PdfTextPage, index: int) -> float:
    """The size of the type on the page, rounded to half points."""
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(textpage, index, matrix)
    size: float = pdfium.FPDFText_GetFontSize(textpage, index)
    return round(size * math.hypot(matrix.c, matrix.d) * 2) / 2


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
