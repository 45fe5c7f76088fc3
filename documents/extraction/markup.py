"""RTF, reStructuredText and Org mode, turned into a web page by pandoc."""

import subprocess
from collections.abc import Iterator

import pypandoc
from unstructured.documents.elements import Element

from documents.exceptions import CorruptFile
from documents.extraction import web
from documents.extraction.reading import Reading
from documents.extraction.text import text_of

_FORMATS = {"application/rtf": "rtf", "text/x-rst": "rst", "text/org": "org"}
_PANDOC = pypandoc.get_pandoc_path()


def read_markup(reading: Reading) -> Iterator[Element]:
    """Pandoc runs without access to files or the network, within the reader's own limits."""
    source = _FORMATS[reading.content_type]
    text = text_of(reading)
    command = [_PANDOC, "--sandbox", f"--from={source}", "--to=html", "--wrap=none"]
    done = subprocess.run(
        command, input=text.encode("utf-8", "replace"), capture_output=True, check=False
    )
    if done.returncode != 0:
        raise CorruptFile
    yield from web.elements_of(done.stdout.decode("utf-8", "replace"))
