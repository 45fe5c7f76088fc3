"""Small office files, e-books and mails that attack their reader, made by code."""

import io
import struct
import zipfile
from collections.abc import Mapping

import docx
import openpyxl
import pptx

from documents.extraction.types import EPUB, ODT

Parts = Mapping[str, str | bytes]
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:"
_END = struct.Struct("<4s4H2LH")


# --- Zip containers


def zipped(parts: Parts, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def with_parts(data: bytes, changed: Parts) -> bytes:
    """An office file with parts added or put in the place of others."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    return zipped({**parts, **changed})


def part_of(data: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name)


def parts_of(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.namelist()


def document(body: str = "", before: str = "") -> str:
    """The main part of a Word document: a paragraph of words, then more; `before` its root."""
    text = f"<w:p><w:r><w:t>Words to keep.</w:t></w:r></w:p>{body}"
    return f"{before}<w:document {_W}><w:body>{text}</w:body></w:document>"


def word(body: str = "", changed: Parts | None = None) -> bytes:
    file = io.BytesIO()
    docx.Document().save(file)
    return with_parts(file.getvalue(), {"word/document.xml": document(body), **(changed or {})})


def slides(title: str) -> bytes:
    presentation, file = pptx.Presentation(), io.BytesIO()
    presentation.slides.add_slide(presentation.slide_layouts[5]).shapes.title.text = title
    presentation.save(file)
    return file.getvalue()


def sheet(rows: str, changed: Parts | None = None) -> bytes:
    file = io.BytesIO()
    openpyxl.Workbook().save(file)
    data = f"<worksheet {_S}><sheetData>{rows}</sheetData></worksheet>"
    return with_parts(file.getvalue(), {"xl/worksheets/sheet1.xml": data, **(changed or {})})


def open_text(body: str, before: str = "", formula: str = "") -> bytes:
    spaces = " ".join(f'xmlns:{name}="{_OFFICE}{name}:1.0"' for name in ("office", "text", "draw"))
    content = (
        f'{before}<office:document-content {spaces} xmlns:xlink="http://www.w3.org/1999/xlink">'
        f"<office:body><office:text><text:p>Words to keep.</text:p>{body}</office:text>"
        "</office:body></office:document-content>"
    )
    objects = {"F/content.xml": formula} if formula else {}
    return zipped({"mimetype": ODT, "content.xml": content, **objects})


def book(chapter: str) -> bytes:
    container = '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>'
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="one" href="one.xhtml" '
        'media-type="application/xhtml+xml"/></manifest><spine><itemref idref="one"/></spine>'
        "</package>"
    )
    return zipped(
        {
            "mimetype": EPUB,
            "META-INF/container.xml": container,
            "book.opf": package,
            "one.xhtml": chapter,
        }
    )


def nested_bomb() -> bytes:
    """Like 42.zip: zips in zips, each of which is small."""
    data = bytes(1_000_000)
    for _ in range(3):
        data = zipped({f"lib {n}.zip": data for n in range(8)})
    return data


def many_entries() -> bytes:
    return with_parts(word(), {f"word/media/{n}": b"" for n in range(10_001)})


def overlapping() -> bytes:
    """One packed kernel that hundreds of entries of the table of contents share."""
    kernel = zipped({"word/document.xml": bytes(4_000_000)})
    at = kernel.rfind(b"PK\x01\x02")
    entry = kernel[at : kernel.rfind(b"PK\x05\x06")]
    plain = part_of(word(), "[Content_Types].xml")
    count = 300
    types = zipped({"[Content_Types].xml": plain}, zipfile.ZIP_STORED)
    table = bytearray(types[types.rfind(b"PK\x01\x02") : types.rfind(b"PK\x05\x06")])
    table[42:46] = at.to_bytes(4, "little")
    local = types[: types.rfind(b"PK\x01\x02")]
    directory = bytes(table) + entry * count
    start = at + len(local)
    end = _END.pack(b"PK\x05\x06", 0, 0, count + 1, count + 1, len(directory), start, 0)
    return kernel[:at] + local + directory + end


def lying_zip64() -> bytes:
    """Its end says that the table of contents is short; the 64-bit record before knows better."""
    data = zipped({"word/document.xml": b""})
    start, count = data.rfind(b"PK\x01\x02"), 80_000
    table = data[start : data.rfind(b"PK\x05\x06")] * count
    sizes = (44, 45, 45, 0, 0, count, count, len(table), start)
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", *sizes)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, start + len(table), 1)
    return (
        data[:start] + table + record + locator + _END.pack(b"PK\x05\x06", 0, 0, 1, 1, 99, start, 0)
    )


def odd_method() -> bytes:
    """Packed by LZMA, whose decoder takes as much memory as the file asks for."""
    return zipped(
        {
            "[Content_Types].xml": part_of(word(), "[Content_Types].xml"),
            "word/document.xml": b" " * 100,
        },
        14,
    )


def tricky_names() -> bytes:
    names = (
        "../../../../tmp/notebook-was-here",
        "/tmp/notebook-was-here",
        "a\\..\\b",
        "CON",
        "x" * 300,
    )
    return with_parts(word(), dict.fromkeys(names, b"x"))


def large_manifest() -> bytes:
    manifest = b"<manifest>" + bytes(19_000_000) + b"</manifest>"
    return with_parts(open_text(""), {"META-INF/manifest.xml": manifest})


# --- Entities


def laughs(root: str = "") -> str:
    """The document type of the billion laughs, before a root."""
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "lol">{lines}]>{root}'


def quadratic() -> str:
    long = "a" * 50_000
    return f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "{long}">]><r>{"&a;" * 50_000} word</r>'


# --- Office files


def cells(*places: str) -> str:
    return "".join(
        f'<row r="{place.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}">'
        f'<c r="{place}" t="str"><v>Words</v></c></row>'
        for place in places
    )


def diagonal(size: int) -> str:
    """Cells none of which share a row or a column, at every other place."""
    places = (f"{_letters(2 * n + 1)}{2 * n + 1}" for n in range(size // 2))
    return cells(*places)


def _letters(number: int) -> str:
    return openpyxl.utils.get_column_letter(number)


def many_strings() -> bytes:
    """A table of shared strings that says it has four billion."""
    strings = f'<sst {_S} count="4000000000" uniqueCount="4000000000"><si><t>a</t></si></sst>'
    book = openpyxl.Workbook()
    book.active["A1"] = "Words"
    file = io.BytesIO()
    book.save(file)
    return with_parts(file.getvalue(), {"xl/sharedStrings.xml": strings})


def wide_table() -> bytes:
    cell = '<w:tc><w:tcPr><w:gridSpan w:val="99999999999"/></w:tcPr><w:p/></w:tc>'
    return word(f"<w:tbl>{f'<w:tr>{cell}{cell}</w:tr>' * 10}</w:tbl>")


def round_styles() -> bytes:
    """Two styles, each based on the other."""
    style = "<w:style w:type='paragraph' w:styleId='{}'><w:basedOn w:val='{}'/></w:style>"
    styles = f"<w:styles {_W}>{style.format('a', 'b')}{style.format('b', 'a')}</w:styles>"
    line = "<w:p><w:pPr><w:pStyle w:val='a'/></w:pPr><w:r><w:t>More</w:t></w:r></w:p>"
    return word(line, {"word/styles.xml": styles})


# --- E-mail


def mail_in_mail(kind: str, depth: int) -> bytes:
    return b"Subject: Words\n" + f"Content-Type: {kind}\n\n".encode() * depth + b"Words\n"


def parts(count: int) -> bytes:
    head = b"Subject: Words\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
    return head + b"--b\n\nWords\n" * count + b"--b--\n"


def multiparts(depth: int) -> bytes:
    opened = (f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(depth))
    return f"Subject: Words\nMIME-Version: 1.0\n{''.join(opened)}\nWords\n".encode()
