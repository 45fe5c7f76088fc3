"""RTF, reStructuredText and Org mode, converted to HTML by pandoc."""

import re
import subprocess
from collections.abc import Iterator

import pypandoc
from unstructured.documents.elements import Element, NarrativeText, Title

from documents.exceptions import CorruptFile, DocumentError, TooComplex
from documents.extraction import build
from documents.extraction.encodings import text_of
from documents.extraction.markup import rst, rtf
from documents.extraction.reading import Reading
from documents.extraction.text.reader import blocks_of
from documents.extraction.web import reader as web

_FORMATS = {"application/rtf": "rtf", "text/x-rst": "rst", "text/org": "org"}
_BULLET = re.compile(r"\A\s*(?:[^\w\s(]|o)\s+")
_FILES = re.compile(r'<div class="toctree".*?</div>', re.DOTALL)  # names of other files
_BOX = re.compile(r'<input type="checkbox"( checked="")? />')
_UNSAID = 'alt="image"'  # pandoc's default description of an image
# The first of several headings of a document with one chapter, which pandoc takes for a subtitle.
_LIFTED = re.compile(r'<p( class="subtitle">.*?)</p>')
# Planning lines of entries, and headings below the third level, which Org does not export by
# default.
_OPTIONS = "#+OPTIONS: p:t H:6\n"
_PANDOC = pypandoc.get_pandoc_path()
# Share of the reader's time. Pandoc takes quadratic time for some texts, and doubles it per line
# for others.
_SHARE = 0.5


def read_markup(reading: Reading) -> Iterator[Element]:
    """The elements of what pandoc makes of a text. If it fails, the file is read as plain text,
    except RTF.

    Pandoc runs without access to files or the network, within the reader's own limits. Raises
    CorruptFile or TooComplex.
    """
    if reading.content_type == "application/rtf":
        html = _html(reading, rtf.prepared(reading.path.read_bytes()))
        yield from _elements(rtf.joined(html))
        return
    text = text_of(reading)
    try:
        html = _html(reading, text)
    except DocumentError:
        reading.warnings.append("The markup is damaged or too complicated; read as plain text")
        yield from blocks_of(text)
    else:
        yield from _elements(_BOX.sub(lambda box: "[x] " if box[1] else "[ ] ", html))


def _elements(html: str) -> Iterator[Element]:
    """The elements, with headings and raised blocks below the document's title, if it has one."""
    above = sum(f'<h1 class="{name}">' in html for name in ("title", "subtitle"))
    for at, element in enumerate(web.elements_of(_FILES.sub("", html))):
        if above and isinstance(element, Title):
            depth = at if at < above else (element.metadata.category_depth or 0) + above
            yield build.title(element.text, depth + 1)
        else:
            yield from _items(element) if rtf.ITEM in element.text else [element]


def _items(element: Element) -> Iterator[Element]:
    """RTF list items: paragraphs with their number but without a bullet."""
    if not isinstance(element, NarrativeText):
        element.text = element.text.replace(rtf.ITEM, "")
        yield element
        return
    before, *items = element.text.split(rtf.ITEM)
    yield build.paragraph(before)
    yield from (build.list_item(_BULLET.sub("", item).strip()) for item in items)


def _html(reading: Reading, text: str) -> str:
    source = _FORMATS[reading.content_type]
    if source == "rst":
        text = rst.prepared(text)
    elif source == "org":
        text = _OPTIONS + text
    command = [_PANDOC, "--sandbox", f"--from={source}", "--to=html", "--wrap=none"]
    if source != "rtf":
        command.append("--standalone")  # so that the title is included
    try:
        done = subprocess.run(
            command,
            input=text.encode("utf-8", "replace"),
            capture_output=True,
            check=True,
            timeout=reading.limits.seconds * _SHARE,
        )
    except subprocess.TimeoutExpired as error:
        raise TooComplex from error
    except subprocess.CalledProcessError as error:
        raise CorruptFile from error
    html = done.stdout.decode("utf-8", "replace")
    html = html.replace(_UNSAID, 'alt=""').replace("<del>", "<s>").replace("</del>", "</s>")
    return _LIFTED.sub(r"<h1\1</h1>", html, count=1) if source == "rst" else html
