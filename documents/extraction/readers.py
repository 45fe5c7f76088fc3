"""Maps content types to readers. Only called in the sandbox's child process."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from unstructured.documents.elements import Element

from documents.extraction import images, samples, types
from documents.extraction.assemble import assemble
from documents.extraction.elements import Extracted
from documents.extraction.mail import reader as mail
from documents.extraction.markup import jupyter, markdown
from documents.extraction.markup import reader as markup
from documents.extraction.office import (
    legacy,
    opendocument,
    opendocument_sheets,
    sheets,
    slides,
    word,
)
from documents.extraction.pdf import reader as pdf
from documents.extraction.reading import Reading
from documents.extraction.text import reader as text
from documents.extraction.web import books
from documents.extraction.web import reader as web
from documents.limits import Limits

Reader = Callable[[Reading], Iterator[Element]]

_WORKBOOKS = (types.XLSX, types.XLSB, types.XLS)
READERS: dict[str, tuple[str, Reader]] = {
    "text/plain": ("text", text.read_text),
    "text/markdown": ("markdown", markdown.read_markdown),
    "text/html": ("html", web.read_html),
    "text/csv": ("csv", text.read_csv),
    "text/tab-separated-values": ("csv", text.read_csv),
    "application/json": ("json", text.read_json),
    "application/xml": ("xml", text.read_xml),
    types.NOTEBOOK: ("notebook", jupyter.read_notebook),
    "application/pdf": ("pdf", pdf.read_pdf),
    "application/rtf": ("rtf", markup.read_markup),
    "text/x-rst": ("rst", markup.read_markup),
    "text/org": ("org", markup.read_markup),
    "message/rfc822": ("eml", mail.read_eml),
    types.MSG: ("msg", mail.read_msg),
    types.EPUB: ("epub", books.read_epub),
    types.DOCX: ("docx", word.read_docx),
    types.PPTX: ("pptx", slides.read_pptx),
    types.DOC: ("doc", legacy.read_doc),
    types.PPT: ("ppt", legacy.read_ppt),
    types.ODT: ("odt", opendocument.read_odt),
    types.ODP: ("odp", opendocument.read_odp),
    types.ODS: ("workbook", opendocument_sheets.read_ods),
    **dict.fromkeys(types.PICTURES, ("picture", images.read_picture)),
    **dict.fromkeys(_WORKBOOKS, ("workbook", sheets.read_workbook)),
}
_SMALL = Limits(max_bytes=1 << 20, memory_bytes=1 << 30, seconds=60, max_pages=1)  # the samples


def read(reading: Reading) -> Extracted:
    """Read the file. Raises a DocumentError."""
    reader, function = READERS[reading.content_type]
    reading.details["reader"] = reader
    return assemble(reading, function(reading))


def warm_up() -> None:
    """Read the samples once: forks inherit the loaded models and fonts, and filled caches."""
    made = {"text/plain": samples.text(), "application/pdf": samples.pdf()}
    with TemporaryDirectory() as folder:
        for content_type, content in made.items():
            path = Path(folder, "sample")
            path.write_bytes(content)
            read(Reading(path, path.name, content_type, _SMALL))


def check(reading: Reading) -> None:
    """Open a PDF or a picture without reading it. Raises a DocumentError."""
    if reading.content_type == "application/pdf":
        with pdf.opened(reading):
            pass
    elif reading.content_type in types.PICTURES:
        images.check(reading)
