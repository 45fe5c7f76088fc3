"""Small documents that the readers are warmed up with."""

import ctypes
from collections.abc import Sequence
from io import BytesIO

import pypdfium2
import pypdfium2.raw as pdfium

_HOURS = (f"Doors open at {hour} and close at {hour + 8}, says the sign." for hour in range(16))
_LINES = [(20, "Opening hours"), *((12, line) for line in _HOURS)]  # points and text
_WIDTH, _HEIGHT, _MARGIN, _LEADING = 595, 842, 72, 14  # points


def text() -> bytes:
    return "\n".join(line for _, line in _LINES).encode()


def pdf() -> bytes:
    """A page with a heading and a paragraph."""
    with pypdfium2.PdfDocument.new() as made:
        page = made.new_page(_WIDTH, _HEIGHT)
        _write(made, page, _LINES)
        page.gen_content()
        made.save(file := BytesIO())
    return file.getvalue()


def _write(
    made: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, lines: Sequence[tuple[int, str]]
) -> None:
    for at, (size, line) in enumerate(lines):
        shown = pypdfium2.PdfTextObj(pdfium.FPDFPageObj_NewTextObj(made, b"Helvetica", size))
        pdfium.FPDFText_SetText(shown, (ctypes.c_ushort * (len(line) + 1))(*line.encode()))
        base = _HEIGHT - _MARGIN - at * _LEADING
        shown.set_matrix(pypdfium2.PdfMatrix().translate(_MARGIN, base))
        page.insert_obj(shown)
