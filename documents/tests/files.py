"""Small files of every kind, made by code."""

import io
import zipfile
from collections.abc import Iterable
from email.message import EmailMessage
from pathlib import Path

import docx
import openpyxl
import pptx
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas
from unstructured.documents.elements import Element

from documents.extraction.elements import Extracted
from documents.limits import Limits

LIMITS = Limits(max_bytes=10_000_000, memory_bytes=500_000_000, seconds=20, max_pages=50)


def pdf(path: Path, pages: Iterable[Iterable[tuple[float, float, str]]], **options) -> Path:
    """A PDF of A4 pages, each of lines at (x, y) from the bottom left.

    A line may begin with its size, and a "b" for bold: "12b|Words".
    """
    canvas = Canvas(str(path), pagesize=A4, **options)
    for lines in pages:
        canvas.setFont("Helvetica", 10)
        for x, y, text in lines:
            size, _, words = text.rpartition("|")
            bold = size.endswith("b")
            canvas.setFont("Helvetica-Bold" if bold else "Helvetica", float(size.strip("b") or 10))
            canvas.drawString(x, y, words)
        canvas.showPage()
    canvas.save()
    return path


WORD = [  # the parts of the next
    ("text", "Confidential"),
    ("title", "Annual report"),
    ("text", "Sales grew by a third."),
    ("title", "Regions"),
    ("list_item", "North"),
    ("list_item", "South"),
    ("table", "Year | Sales\n2024 | 10\n2025 | 13"),
]


def word(path: Path) -> Path:
    document = docx.Document()
    document.add_heading("Annual report", 1)
    document.add_paragraph("Sales grew by a third.")
    document.add_heading("Regions", 2)
    document.add_paragraph("North", style="List Bullet")
    document.add_paragraph("South", style="List Bullet")
    table = document.add_table(3, 2)
    for row, cells in zip(
        table.rows, (("Year", "Sales"), ("2024", "10"), ("2025", "13")), strict=True
    ):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    document.sections[0].header.paragraphs[0].text = "Confidential"
    document.save(str(path))
    return path


def slides(path: Path) -> Path:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    slide.shapes.title.text = "Plan"
    slide.placeholders[1].text_frame.text = "First step"
    slide.notes_slide.notes_text_frame.text = "Speak slowly."
    presentation.slides.add_slide(presentation.slide_layouts[5]).shapes.title.text = "End"
    presentation.save(str(path))
    return path


def workbook(path: Path) -> Path:
    book = openpyxl.Workbook()
    book.active.title = "Prices"
    for row in (["Fruit", "Price", "Since"], ["Apple", 1.5, None], ["Pear", 2.0, None]):
        book.active.append(row)
    secret = book.create_sheet("Secret")
    secret.append(["hidden", "value"])
    secret.sheet_state = "hidden"
    book.save(str(path))
    return path


CHART = """<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"
xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><c:chart><c:title><c:tx><c:rich>
<a:p><a:r><a:t>Sales</a:t></a:r></a:p></c:rich></c:tx></c:title><c:plotArea><c:ser>
<c:tx><c:strRef><c:strCache><c:pt idx="0"><c:v>Tons</c:v></c:pt></c:strCache></c:strRef></c:tx>
<c:cat><c:strCache><c:pt idx="0"><c:v>North</c:v></c:pt></c:strCache></c:cat>
<c:val><c:numCache><c:pt idx="0"><c:v>12</c:v></c:pt></c:numCache></c:val>
</c:ser></c:plotArea></c:chart></c:chartSpace>"""


def archive(path: Path, parts: dict[str, str | bytes]) -> Path:
    """A zip; a part named `mimetype` is stored first, uncompressed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in parts.items():
            stored = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            file.writestr(name, content, compress_type=stored)
    return path


def book(path: Path) -> Path:
    container = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'
    package = """<package xmlns="http://www.idpf.org/2007/opf"><manifest>
        <item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
        <item id="two" href="two.xhtml" media-type="application/xhtml+xml"/>
        <item id="one" href="one.xhtml" media-type="application/xhtml+xml"/></manifest>
        <spine><itemref idref="nav"/><itemref idref="one"/><itemref idref="two"/></spine>
        </package>"""
    page = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{}</body></html>'
    return archive(
        path,
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": container,
            "OPS/book.opf": package,
            "OPS/nav.xhtml": page.format("<p>Contents</p>"),
            "OPS/one.xhtml": page.format("<h1>One</h1><p>It begins&nbsp;here.</p>"),
            "OPS/two.xhtml": page.format("<h1>Two</h1><p>It ends.</p>"),
        },
    )


def open_text(path: Path, body: str = "") -> Path:
    body = body or (
        '<text:h text:outline-level="1">Title</text:h><text:p>Two<text:s/>words.</text:p>'
        "<text:list><text:list-item><text:p>Item</text:p></text:list-item></text:list>"
        "<table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell>"
        '<table:table-cell table:number-columns-repeated="1000000"><text:p>b</text:p>'
        "</table:table-cell></table:table-row></table:table>"
    )
    content = (
        '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
        ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
        ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0">'
        f"<office:body><office:text>{body}</office:text></office:body></office:document-content>"
    )
    mimetype = "application/vnd.oasis.opendocument.text"
    return archive(path, {"mimetype": mimetype, "content.xml": content})


def mail(path: Path) -> Path:
    message = EmailMessage()
    message["Subject"] = "Grüße"
    message["From"], message["To"] = "ann@example.org", "bob@example.org"
    message.set_content("Hello Bob,\n\nsee you.\n")
    message.add_attachment(b"data", maintype="application", subtype="pdf", filename="plan.pdf")
    path.write_bytes(message.as_bytes())
    return path


def bomb(path: Path, size: int) -> Path:
    """A Word document whose text inflates to `size` bytes of nothing."""
    source = io.BytesIO()
    docx.Document().save(source)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, b" " * size if name == "word/document.xml" else old.read(name))
    return path


def ole(path: Path, stream: str, content: bytes = b"") -> Path:
    """The least that is an OLE file: a header, a sector table, a directory and one stream."""
    sectors = range(2, 2 + 8)  # a shorter stream would have to lie in a stream of its own
    header = bytearray(512)
    header[:8] = bytes.fromhex("d0cf11e0a1b11ae1")
    header[24:34] = bytes.fromhex("3e00 0300 feff 0900 0600")
    header[44:48] = (1).to_bytes(4, "little")  # one sector of the sector table
    header[48:52] = (1).to_bytes(4, "little")  # the directory begins in sector 1
    header[56:60] = (4096).to_bytes(4, "little")
    header[60:64] = header[68:72] = b"\xfe\xff\xff\xff"
    header[76:512] = b"\xff" * 436
    header[76:80] = bytes(4)
    links = [0xFFFFFFFD, 0xFFFFFFFE, *sectors[1:], 0xFFFFFFFE]
    table = b"".join(link.to_bytes(4, "little") for link in links).ljust(512, b"\xff")
    stream_entry = ole_entry(stream, 2, start=sectors[0], size=4096)
    directory = ole_entry("Root Entry", 5, child=1) + stream_entry
    path.write_bytes(
        bytes(header) + table + directory.ljust(512, b"\0") + content.ljust(4096, b"\0")
    )
    return path


def ole_entry(
    name: str, kind: int, *, child: int = 0xFFFFFFFF, start: int = 0xFFFFFFFE, size: int = 0
) -> bytes:
    encoded = name.encode("utf-16-le")
    entry = bytearray(128)
    entry[: len(encoded)] = encoded
    entry[64:66] = (len(encoded) + 2).to_bytes(2, "little")
    entry[66:68] = bytes([kind, 1])
    entry[68:76] = b"\xff" * 8
    entry[76:80] = child.to_bytes(4, "little")
    entry[116:120] = start.to_bytes(4, "little")
    entry[120:124] = size.to_bytes(4, "little")
    return bytes(entry)


def parts_of(extracted: Extracted) -> list[tuple[str, str]]:
    """Kind and text of every element."""
    return [(each.kind, extracted.text[each.start : each.end]) for each in extracted.elements]


def texts(elements: Iterable[Element]) -> list[str]:
    return [element.text for element in elements]
