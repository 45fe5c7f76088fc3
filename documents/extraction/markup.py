"""RTF, reStructuredText and Org mode, turned into a web page by pandoc."""

import re
import subprocess
from collections.abc import Iterator

import pypandoc
from unstructured.documents.elements import Element

from documents.exceptions import CorruptFile, DocumentError, TooComplex
from documents.extraction import web
from documents.extraction.reading import Reading
from documents.extraction.text import blocks_of, text_of

_FORMATS = {"application/rtf": "rtf", "text/x-rst": "rst", "text/org": "org"}
_PANDOC = pypandoc.get_pandoc_path()
# Of the reader's time. Pandoc's grows with the square of some texts, with others twice a line.
_SHARE = 0.5
# Tables that lie in other files, which are not ours to read: they would end pandoc.
_ELSEWHERE = re.compile(r"^([ \t]+:)(?=(?:file|url):)", re.MULTILINE)


def read_markup(reading: Reading) -> Iterator[Element]:
    """What pandoc makes of a text. What it can't cope with is read as plain text, RTF apart.

    Pandoc runs without access to files or the network, within the reader's own limits.
    Raises CorruptFile or TooComplex.
    """
    text = text_of(reading)
    try:
        html = _html(reading, text)
    except DocumentError:
        if reading.content_type == "application/rtf":
            raise
        reading.warnings.append("The markup is damaged or too complicated; read as plain text")
        yield from blocks_of(text)
    else:
        yield from web.elements_of(html)


def _html(reading: Reading, text: str) -> str:
    source = _FORMATS[reading.content_type]
    if source == "rst":
        text = _ELSEWHERE.sub(r"\1no-", text)
    command = [_PANDOC, "--sandbox", f"--from={source}", "--to=html", "--wrap=none"]
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
    return done.stdout.decode("utf-8", "replace")
