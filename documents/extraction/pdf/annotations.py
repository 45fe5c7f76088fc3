"""What a PDF holds besides its text: form values, notes, links, page labels."""

import ctypes
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

_MOST_LINKS, _LONGEST_LINK = 20, 300  # they are sent to everyone who watches the step
_MOST_LABELS, _LONGEST_LABEL = 50, 100
_PASSWORD = 1 << 13  # flag of a field that hides its input
_CHOSEN = (pdfium.FPDF_FORMFIELD_CHECKBOX, pdfium.FPDF_FORMFIELD_RADIOBUTTON)
_WRITTEN = (
    pdfium.FPDF_FORMFIELD_TEXTFIELD,
    pdfium.FPDF_FORMFIELD_COMBOBOX,
    pdfium.FPDF_FORMFIELD_LISTBOX,
)
# Annotations that people add to a page, except text typed onto it, which reads as part of it.
_NOTES = {pdfium.FPDF_ANNOT_FREETEXT: ""} | dict.fromkeys(
    (
        pdfium.FPDF_ANNOT_TEXT,
        pdfium.FPDF_ANNOT_HIGHLIGHT,
        pdfium.FPDF_ANNOT_UNDERLINE,
        pdfium.FPDF_ANNOT_SQUIGGLY,
        pdfium.FPDF_ANNOT_STRIKEOUT,
        pdfium.FPDF_ANNOT_SQUARE,
        pdfium.FPDF_ANNOT_CIRCLE,
        pdfium.FPDF_ANNOT_LINE,
        pdfium.FPDF_ANNOT_INK,
        pdfium.FPDF_ANNOT_STAMP,
        pdfium.FPDF_ANNOT_CARET,
    ),
    "Comment: ",
)
_NUMBERED = re.compile(r"(.*?)(\d+)$")
_ROMAN = re.compile(r"[ivxlcdm]+$", re.IGNORECASE)
_ROMAN_DIGITS = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}


def fields_and_links(
    document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, text: str
) -> tuple[list[str], list[str]]:
    """ "name: value" of form fields whose values are missing from the text, and the notes, each
    once; and the linked addresses."""
    fields, notes, links = dict[str, str](), list[str](), list[str]()
    for at in range(pdfium.FPDFPage_GetAnnotCount(page)):
        with _annotation(page, at) as annotation:
            kind = pdfium.FPDFAnnot_GetSubtype(annotation)
            if kind == pdfium.FPDF_ANNOT_LINK:
                links += _address(document, annotation)
            elif kind == pdfium.FPDF_ANNOT_WIDGET and document.formenv:
                name, value = _field(document.formenv, annotation)
                if value and value not in text:
                    fields[name] = value
            elif kind in _NOTES and (note := _note(annotation)) not in text:
                notes.append(_NOTES[kind] + note)
    said = [f"{name}: {value}" if name else value for name, value in fields.items()]
    return said + list(dict.fromkeys(notes)), links


@contextmanager
def _annotation(page: pypdfium2.PdfPage, at: int) -> Iterator[Any]:
    annotation = pdfium.FPDFPage_GetAnnot(page, at)
    try:
        yield annotation
    finally:
        if annotation:
            pdfium.FPDFPage_CloseAnnot(annotation)


def _note(annotation: Any) -> str:
    said = _string(pdfium.FPDFAnnot_GetStringValue, annotation, b"Contents")
    return "\n".join(filter(None, map(str.strip, said.splitlines())))


def _field(form: Any, annotation: Any) -> tuple[str, str]:
    """A form field's name and value; "" if it is empty, a password or a button."""
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    if pdfium.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD:
        return "", ""
    name = _string(pdfium.FPDFAnnot_GetFormFieldAlternateName, form, annotation)
    name = name or _string(pdfium.FPDFAnnot_GetFormFieldName, form, annotation)
    if kind in _WRITTEN:
        return name, _string(pdfium.FPDFAnnot_GetFormFieldValue, form, annotation).strip()
    if kind in _CHOSEN and pdfium.FPDFAnnot_IsChecked(form, annotation):
        return name, _string(pdfium.FPDFAnnot_GetFormFieldExportValue, form, annotation) or "Yes"
    return name, ""


def _address(document: pypdfium2.PdfDocument, annotation: Any) -> list[str]:
    link = pdfium.FPDFAnnot_GetLink(annotation)
    action = pdfium.FPDFLink_GetAction(link) if link else None
    if not action:
        return []
    size = pdfium.FPDFAction_GetURIPath(document, action, None, 0)
    if not 1 < size <= _LONGEST_LINK:
        return []
    buffer = ctypes.create_string_buffer(size)
    pdfium.FPDFAction_GetURIPath(document, action, buffer, size)
    return [buffer.value.decode("utf-8", "replace")]


def _string(ask: Callable[..., int], *subject: Any) -> str:
    """The result of a PDFium function that fills a buffer with UTF-16."""
    size = ask(*subject, None, 0)
    if size <= 2:
        return ""
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    ask(*subject, buffer, size)
    return bytes(buffer)[: size - 2].decode("utf-16-le", "replace")


def first_links(links: list[str]) -> list[str]:
    """The distinct addresses in order, at most _MOST_LINKS."""
    return list(dict.fromkeys(links))[:_MOST_LINKS]


def labels(document: pypdfium2.PdfDocument) -> dict[str, str]:
    """Page number -> page label, wherever a new numbering begins; {} for plain 1, 2, 3 …"""
    found: dict[str, str] = {}
    before: tuple[str, int] | None = ("", 0)
    for at in range(len(document)):
        label = _string(pdfium.FPDF_GetPageLabel, document, at)[:_LONGEST_LABEL]
        counted = _counted(label) if label else ("", at + 1)
        if before is None or counted != (before[0], before[1] + 1):
            found[str(at + 1)] = label
        before = counted
    return dict(list(found.items())[:_MOST_LABELS])


def _counted(label: str) -> tuple[str, int] | None:
    """A label split into prefix and number: "A-3" is ("A-", 3), "iv" is ("roman", 4)."""
    if match := _NUMBERED.match(label):
        return match[1], int(match[2])
    if _ROMAN.match(label):
        digits = [_ROMAN_DIGITS[letter] for letter in label.lower()]
        following = [*digits[1:], 0]
        pairs = zip(digits, following, strict=True)
        return "roman", sum(-one if one < after else one for one, after in pairs)
    return None
