"""The text layer of PDFs, line by line with its geometry, through PDFium."""

import ctypes
import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import pypdfium2
import pypdfium2.raw as pdfium
from unstructured.documents.elements import Element

from documents.exceptions import CorruptFile, PasswordProtected
from documents.extraction import ocr, pdf_extras, turned
from documents.extraction.garbled import is_garbled
from documents.extraction.lines import Cell, Line, Page
from documents.extraction.pdf_layout import elements_of_pages
from documents.extraction.reading import Reading

Index = Callable[[int], int]

_FORCE_BOLD = 1 << 18
_BOLD_NAME = re.compile(rb"bold|black|heavy|demi|medi(?!um)|-bd|cmbx|cmb\d", re.IGNORECASE)
# Ends of visual lines: PDFium runs words together that the typesetter hyphenated, and puts one of
# these in the place of the hyphen.
_ENDS = re.compile("[^\n\x02\ufffe\xad]*[\n\x02\ufffe\xad]?")
_SOFT_HYPHENS = ("\x02", "\ufffe", "\xad")
_FEW_LETTERS = 100  # a page with so many is no scan with a stamp on it
_MOST_PIXELS_A_POINT = 4.0
_GAP = re.compile(" +")
_NUMBERS = re.compile(r"(?<!\S)[(+\-–$€£]?\d[\d.,%()]*(?!\S)")
_WIDE = 0.54  # of its type's size for each letter; running text has less
_TWO_NUMBERS = re.compile(r"\d.* .*\d")
_PROBE_EVERY, _PROBE_LENGTH = 8, 30
_CELL_GAP = 0.9  # sizes of the type
_CELL_GAP_OF_NUMBERS = 0.6
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
        reading.details["links"] = pdf_extras.first_links(links)
    if labels := pdf_extras.labels(document):
        reading.details["page_labels"] = labels


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
    """A page as its text layer has it, and whether that will do. Adds to the links."""
    try:
        page = document[at]
    except pypdfium2.PdfiumError:  # one damaged page is no reason to give up the others
        return Page(at + 1, 0.0, 0.0, []), True
    try:
        textpage = page.get_textpage()
        text = textpage.get_text_range()
        lines = _lines(textpage, text, at + 1)
        textpage.close()
        width, height = page.get_size()
        fields, linked = pdf_extras.fields_and_links(document, page, text)
        links += linked
        found = Page(at + 1, width, height, lines, fields=fields)
        if any(line.turn for line in lines):
            _, _, across, up = page.get_mediabox()
            found = turned.upright(found, across, up)
        return found, not _needs_ocr(page, text)
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


def _lines(textpage: pypdfium2.PdfTextPage, text: str, number: int) -> list[Line]:
    """The page's lines. Gaps are looked for where they are likely, and in one line of eight:
    if one shows there, everywhere."""
    index = _indexes(textpage, text)
    places = [
        (line, match.start() + len(match[0]) - len(match[0].lstrip()))
        for match in _ENDS.finditer(text)
        if (line := match[0].strip()) and line not in _SOFT_HYPHENS
    ]
    probes = ((line, at) for line, at in places[3::_PROBE_EVERY] if len(line) > _PROBE_LENGTH)
    gaps = any(
        _cells(textpage, index, line, at, _size_and_turn(textpage, index(at + _middle(line)))[0])
        for line, at in probes
    )
    return [_line(textpage, index, line, at, number, gaps=gaps) for line, at in places]


def _line(
    textpage: pypdfium2.PdfTextPage, index: Index, text: str, at: int, number: int, *, gaps: bool
) -> Line:
    """A line that begins at a place in the page's text."""
    soft_hyphen = text.endswith(_SOFT_HYPHENS)
    first, middle, last = (
        index(at + place) for place in (0, _middle(text), len(text) - 1 - soft_hyphen)
    )
    left, right = _box(textpage, first).left, _box(textpage, max(first, last)).right
    size, turn = _size_and_turn(textpage, middle)
    base = _base(textpage, middle)
    if turn:
        left, right, base = _turned(textpage, first, max(first, last), middle, turn)
    return Line(
        text=text[:-1] + "\xad" if soft_hyphen else text,
        left=left,
        right=right,
        base=base,
        size=size,
        bold=all(_is_bold(textpage, at) for at in {first, middle, max(first, last)}),
        page=number,
        turn=turn,
        cells=_cells(textpage, index, text, at, size)
        if not turn and (gaps or _may_have_gaps(text, right - left, size))
        else (),
    )


def _turned(
    textpage: pypdfium2.PdfTextPage, first: int, last: int, middle: int, turn: int
) -> tuple[float, float, float]:
    """Left, right and base of a line on the page turned so that the line lies level.

    They count from the corner that was the page's bottom left before; `upright` moves them.
    """
    start, end = _box(textpage, first), _box(textpage, last)
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetCharOrigin(textpage, middle, x, y)
    if turn == 90:
        return start.bottom, end.top, -x.value
    if turn == 270:
        return -start.top, -end.bottom, x.value
    return -start.right, -end.left, -y.value


def _may_have_gaps(text: str, width: float, size: float) -> bool:
    """Whether a line is so wide for its letters, or so full of numbers, that gaps are worth it."""
    if not size or " " not in text:
        return False
    if width > len(text) * size * _WIDE:
        return True
    return bool(_TWO_NUMBERS.search(text)) and _is_numeric(text)


def _is_numeric(text: str) -> bool:
    return len(_NUMBERS.findall(text)) * 3 > text.count(" ") + 1


def _cells(
    textpage: pypdfium2.PdfTextPage, index: Index, text: str, at: int, size: float
) -> tuple[Cell, ...]:
    """The line in parts, if it has gaps wider than those between words."""
    cells, start = list[Cell](), 0
    least = size * (_CELL_GAP_OF_NUMBERS if _is_numeric(text) else _CELL_GAP)
    left = _box(textpage, index(at)).left
    for match in _GAP.finditer(text):
        right = _box(textpage, index(at + match.start() - 1)).right
        after = _box(textpage, index(at + match.end())).left
        if after - right > least:
            cells.append(Cell(text[start : match.start()], left, right))
            start, left = match.end(), after
    if not cells:
        return ()
    right = _box(textpage, index(at + len(text) - 1)).right
    return (*cells, Cell(text[start:], left, right))


def _indexes(textpage: pypdfium2.PdfTextPage, text: str) -> Index:
    """From places in the page's text to PDFium's numbers of its letters.

    They differ by the letters that it leaves out of the text; most pages have none.
    """
    if pdfium.FPDFText_CountChars(textpage) == len(text):
        return int
    return partial(pdfium.FPDFText_GetCharIndexFromTextIndex, textpage)


def _middle(text: str) -> int:
    """The letter nearest to the middle: signs and superscripts at the ends have other measures."""
    half = len(text) // 2
    if text[half].isalnum():
        return half
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


def _size_and_turn(textpage: pypdfium2.PdfTextPage, index: int) -> tuple[float, int]:
    """The size of the type on the page, rounded to half points, and which way it runs."""
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(textpage, index, matrix)
    size: float = pdfium.FPDFText_GetFontSize(textpage, index)
    turn = 0
    if abs(matrix.b) > abs(matrix.a):
        turn = 90 if matrix.b > 0 else 270
    elif matrix.a < 0 and matrix.d < 0:
        turn = 180
    return round(size * math.hypot(matrix.c, matrix.d) * 2) / 2, turn


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
