"""Reads PDFs through PDFium: each page's text layer, or OCR where that is not usable."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pypdfium2
import pypdfium2.raw as pdfium
from unstructured.documents.elements import Element

from documents.exceptions import CorruptFile, PasswordProtected
from documents.extraction import ocr
from documents.extraction.directions import runs_left
from documents.extraction.lines import Line, Page
from documents.extraction.pdf import annotations, rotation
from documents.extraction.pdf.garbled import is_garbled
from documents.extraction.pdf.layout import elements_of_pages
from documents.extraction.pdf.lines import lines_of
from documents.extraction.reading import Reading

_FEW_LETTERS = 100  # a page with this many is no scan with a stamp on it
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
        document.init_forms()
        yield document
    finally:
        document.close()


def read_pdf(reading: Reading) -> Iterator[Element]:
    with opened(reading) as document:
        pages, scans, links = {}, [], list[str]()
        for at in range(len(document)):
            page, usable = _page(document, at, links)
            pages[page.number] = page
            if usable:
                reading.page_done()
            else:
                scans.append(page.number)
        _note_extras(reading, document, links)
        _garbled(reading, [pages[number] for number in scans])
        for scan in ocr.pages_of_pictures(reading, scans, partial(_read_scan, document)):
            pages[scan.number] = _fuller(scan, pages[scan.number])
        _note_empty(reading, list(pages.values()))
        yield from elements_of_pages(reading, list(pages.values()), _outline(document))


def _note_extras(reading: Reading, document: pypdfium2.PdfDocument, links: list[str]) -> None:
    if links:
        reading.details["links"] = annotations.first_links(links)
    if labels := annotations.labels(document):
        reading.details["page_labels"] = labels


def _garbled(reading: Reading, scans: Sequence[Page]) -> None:
    """Warn about pages whose text layer is garbage."""
    if garbled := sum(bool(page.lines) for page in scans):
        reading.details["garbled_pages"] = garbled
        reading.warnings.append(
            f"The text layer of {garbled} pages is unusable; OCR read them instead"
            if reading.limits.ocr_pages
            else f"The text layer of {garbled} pages is unusable"
        )


def _fuller(scan: Page, page: Page) -> Page:
    """What OCR read, unless the text layer has more text after all."""
    read, layer = (sum(len(line.text) for line in each.lines) for each in (scan, page))
    scan.fields = page.fields
    return scan if read >= layer / 2 else page


def _read_scan(document: pypdfium2.PdfDocument, number: int) -> ocr.Kept:
    page = document[number - 1]
    try:
        longest = max(page.get_size())
        scale = min(ocr.LONGEST_SIDE / longest, _MOST_PIXELS_A_POINT)
        bitmap = page.render(scale=scale)
        return ocr.read_page(bitmap.to_numpy()[:, :, :3].copy(), scale)
    finally:
        page.close()


def _note_empty(reading: Reading, pages: list[Page]) -> None:
    if empty := sum(not page.lines and not page.fields for page in pages):
        reading.details["empty_pages"] = empty
        reading.warnings.append(f"{empty} of {len(pages)} pages have no text")


def _page(document: pypdfium2.PdfDocument, at: int, links: list[str]) -> tuple[Page, bool]:
    """A page as its text layer has it, and whether that is usable. Adds to `links`."""
    try:
        page = document[at]
    except pypdfium2.PdfiumError:  # one damaged page is no reason to give up on the others
        return Page(at + 1, 0.0, 0.0, []), True
    try:
        text, lines = _text_and_lines(page, at + 1)
        turn = rotation.usual_turn(lines)
        if turn != page.get_rotation():
            # PDFium orders characters as the page is displayed, which mixes up rotated text.
            page.set_rotation(turn)
            text, lines = _text_and_lines(page, at + 1)
        fields, linked = annotations.fields_and_links(document, page, text)
        links += linked
        left, bottom, right, top = box = page.get_bbox()
        lines = rotation.placed(lines, box, mirrored=runs_left(text))
        found = Page(at + 1, right - left, top - bottom, lines, fields=fields)
        if any(line.turn for line in lines):
            found = rotation.upright(found)
        return found, not _needs_ocr(page, text)
    finally:
        page.close()


def _text_and_lines(page: pypdfium2.PdfPage, number: int) -> tuple[str, list[Line]]:
    textpage = page.get_textpage()
    text = textpage.get_text_range()
    lines = lines_of(textpage, text, number)
    textpage.close()
    return text, lines


def _needs_ocr(page: pypdfium2.PdfPage, text: str) -> bool:
    """Whether a page shows something that is missing from its text layer."""
    letters = sum(map(str.isalnum, text)) if len(text) < _FEW_LETTERS * 4 else _FEW_LETTERS
    if letters >= _FEW_LETTERS:
        return is_garbled(text)
    if not letters:
        return bool(pdfium.FPDFPage_CountObjects(page) > 0)
    return is_garbled(text) or _is_covered(page)


def _is_covered(page: pypdfium2.PdfPage) -> bool:
    """Whether an image covers most of the page."""
    left, bottom, right, top = page.get_bbox()
    area = (right - left) * (top - bottom)
    for picture in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        x0, y0, x1, y1 = picture.get_bounds()
        if (x1 - x0) * (y1 - y0) > area * 0.5:
            return True
    return False


def _outline(document: pypdfium2.PdfDocument) -> dict[int, dict[str, int]]:
    """Page number -> lower-case title without blanks -> level, from the bookmarks."""
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
