"""RTF, reStructuredText and Org mode, turned into a web page by pandoc."""

import re
import subprocess
from collections.abc import Iterator

import pypandoc
from unstructured.documents.elements import Element, NarrativeText, Title

from documents.exceptions import CorruptFile, DocumentError, TooComplex
from documents.extraction import parts
from documents.extraction.encodings import text_of
from documents.extraction.markup import rst, rtf
from documents.extraction.reading import Reading
from documents.extraction.text.reader import blocks_of
from documents.extraction.web import reader as web

_FORMATS = {"application/rtf": "rtf", "text/x-rst": "rst", "text/org": "org"}
_BULLET = re.compile(r"\A\s*(?:[^\w\s(]|o)\s+")
_FILES = re.compile(r'<div class="toctree".*?</div>', re.DOTALL)  # names of other files
_BOX = re.compile(r'<input type="checkbox"( checked="")? />')
_UNSAID = 'alt="image"'  # what pandoc says of pictures of which nothing is said
# The first of several headings in a text of one chapter, which is a subtitle for pandoc.
_LIFTED = re.compile(r'<p( class="subtitle">.*?)</p>')
# What is planned for an entry, and headings below the third, which are no such things unasked.
_OPTIONS = "#+OPTIONS: p:t H:6\n"
_PANDOC = pypandoc.get_pandoc_path()
# Of the reader's time. Pandoc's grows with the square of some texts, with others twice a line.
_SHARE = 0.5


def read_markup(reading: Reading) -> Iterator[Element]:
    """What pandoc makes of a text. What it can't cope with is read as plain text, RTF apart.

    Pandoc runs without access to files or the network, within the reader's own limits.
    Raises CorruptFile or TooComplex.
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
    """Headings go under the title of the whole, and what is lifted beside it, if it has one."""
    above = sum(f'<h1 class="{name}">' in html for name in ("title", "subtitle"))
    for at, element in enumerate(web.elements_of(_FILES.sub("", html))):
        if above and isinstance(element, Title):
            depth = at if at < above else (element.metadata.category_depth or 0) + above
            yield parts.title(element.text, depth + 1)
        else:
            yield from _items(element) if rtf.ITEM in element.text else [element]


def _items(element: Element) -> Iterator[Element]:
    """What RTF's list items are: paragraphs, with a number but without their bullet."""
    if not isinstance(element, NarrativeText):
        element.text = element.text.replace(rtf.ITEM, "")
        yield element
        return
    before, *items = element.text.split(rtf.ITEM)
    yield parts.paragraph(before)
    yield from (parts.list_item(_BULLET.sub("", item).strip()) for item in items)


def _html(reading: Reading, text: str) -> str:
    source = _FORMATS[reading.content_type]
    if source == "rst":
        text = rst.prepared(text)
    elif source == "org":
        text = _OPTIONS + text
    command = [_PANDOC, "--sandbox", f"--from={source}", "--to=html", "--wrap=none"]
    if source != "rtf":
        command.append("--standalone")  # with its title
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
