"""The text layer of PDFs, line by line with its geometry, through PDFium."""

import ctypes
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pypdfium2
import pypdfium2.raw as pdfium
from unstructured.documents.elements import Element

from documents.exceptions import CorruptFile, PasswordProtected
from documents.extraction import ocr
from documents.extraction.garbled import is_garbled
from documents.extraction.lines import Line, Page
from documents.extraction.pdf_layout import elements_of_pages
from documents.extraction.reading import Reading

_FORCE_BOLD = 1 << 18
_BOLD_NAME = re.compile(rb"bold|black|heavy|demi|medi(?!um)|-bd|cmbx|cmb\d", re.IGNORECASE)
# Ends of visual lines: PDFium runs words together that the typesetter hyphenated, and puts one of
# these in the place of the hyphen.
_ENDS = re.compile("[^\n\x02\ufffe\xad]*[\n\x02\ufffe\xad]?")
_SOFT_HYPHENS = ("\x02", "\ufffe", "\xad")
_FEW_LETTERS = 100  # a page with so many is no scan with a stamp on it
_MOST_PIXELS_A_POINT = 4.0
_ENCRYPTED = (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)


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
        pages, scans = {}, []
        for at in range(len(document)):
            page, usable = _page(document, at)
            pages[page.number] = page
            if usable:
                reading.page_done()
            else:
                scans.append(page.number)
        _garbled(reading, [pages[number] for number in scans])
        for scan in ocr.pages_of_pictures(reading, scans, partial(_read_scan, document)):
            pages[scan.number] = _fuller(scan, pages[scan.number])
        _note_empty(reading, list(pages.values()))
        yield from elements_of_pages(list(pages.values()), _outline(document))


def _garbled(reading: Reading, scans: Sequence[Page]) -> None:
    """Tell of pages that have a text layer, but one that says nothing."""
    if garbled := sum(bool(page.lines) for page in scans):
        reading.details["garbled_pages"] = garbled
        reading.warnings.append(
            f"The text layer of {garbled} pages is unusable; OCR read them instead"
            if reading.limits.ocr_pages
            else f"The text layer of {garbled} pages is unusable"
        )


def _fuller(scan: Page, page: Page) -> Page:
    """What OCR read, unless the text layer says more after all."""
    read, layer = (sum(len(line.text) for line in each.lines) for each in (scan, page))
    return scan if read >= layer / 2 else page


def _read_scan(document: pypdfium2.PdfDocument, number: int) -> ocr.Kept:
    page = document[number - 1]
    try:
        longest = max(page.get_size())
        scale = min(ocr.LONGEST_SIDE / longest, _MOST_PIXELS_A_POINT)
        bitmap = page.render(scale=scale, may_draw_forms=False)
        return ocr.read_page(bitmap.to_numpy()[:, :, :3].copy(), scale)
    finally:
        page.close()


def _note_empty(reading: Reading, pages: list[Page]) -> None:
    if empty := sum(not page.lines for page in pages):
        reading.details["empty_pages"] = empty
        reading.warnings.append(f"{empty} of {len(pages)} pages have no text")


def _page(document: pypdfium2.PdfDocument, at: int) -> tuple[Page, bool]:
    """A page as its text layer has it, and whether that will do."""
    try:
        page = document[at]
    except pypdfium2.PdfiumError:  # one damaged page is no reason to give up the others
        return Page(at + 1, 0.0, 0.0, []), True
    try:
        textpage = page.get_textpage()
        text = textpage.get_text_range()
        lines = list(_lines(textpage, text, at + 1))
        textpage.close()
        width, height = page.get_size()
        return Page(at + 1, width, height, lines), not _needs_ocr(page, text)
    finally:
        page.close()


def _needs_ocr(page: pypdfium2.PdfPage, text: str) -> bool:
    """Whether a page shows something that its text layer does not say."""
    letters = sum(map(str.isalnum, text)) if len(text) < _FEW_LETTERS * 4 else _FEW_LETTERS
    if letters >= _FEW_LETTERS:
        return is_garbled(text)
    if not letters:
        return bool(pdfium.FPDFPage_CountObjects(page) > 0)
    return is_garbled(text) or _is_covered(page)


def _is_covered(page: pypdfium2.PdfPage) -> bool:
    """Whether a picture covers most of the page."""
    left, bottom, right, top = page.get_bbox()
    area = (right - left) * (top - bottom)
    for picture in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        x0, y0, x1, y1 = picture.get_bounds()
        if (x1 - x0) * (y1 - y0) > area * 0.5:
            return True
    return False


def _lines(textpage: pypdfium2.PdfTextPage, text: str, number: int) -> Iterator[Line]:
    for match in _ENDS.finditer(text):
        line = match[0].strip()
        if line and line not in _SOFT_HYPHENS:
            at = match.start() + len(match[0]) - len(match[0].lstrip())
            yield _line(textpage, line, at, number)


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
