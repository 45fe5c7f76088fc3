"""Text extraction by each tool as its own documentation shows it.

`python -m bench.peers.extract TOOL` answers `{"paths": […]}` with the number of characters found in
each, or with the name of the error.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.peers import spacy_model
from bench.peers.serving import serve

Extract = Callable[[str], str]


def pypdfium2() -> Extract:
    import pypdfium2 as pdfium

    def extract(path: str) -> str:
        with pdfium.PdfDocument(path) as document:
            return "\n\n".join(page.get_textpage().get_text_bounded() for page in document)

    return extract


def unstructured() -> Extract:
    spacy_model.use_installed()
    from unstructured.partition.auto import partition

    return lambda path: "\n\n".join(each.text for each in partition(path, strategy="fast"))


def pymupdf() -> Extract:
    import pymupdf

    def extract(path: str) -> str:
        with pymupdf.open(path) as document:
            return "\n\n".join(page.get_text() for page in document)

    return extract


def kreuzberg() -> Extract:
    from kreuzberg import extract_file_sync

    return lambda path: str(extract_file_sync(path).content)


def markitdown() -> Extract:
    from markitdown import MarkItDown

    converter = MarkItDown()
    return lambda path: str(converter.convert(path).text_content)


def extractous() -> Extract:
    from extractous import Extractor

    extractor = Extractor().set_extract_string_max_length(50_000_000)
    return lambda path: str(extractor.extract_file_to_string(path)[0])


ONLY_PDF = {"pypdfium2", "pymupdf"}
TOOLS = {
    f.__name__: f for f in (pypdfium2, unstructured, pymupdf, kreuzberg, markitdown, extractous)
}


def main() -> None:
    tool = TOOLS[sys.argv[1]]

    def prepare() -> Callable[[Any], Any]:
        extract = tool()
        return lambda request: [_characters(extract, path) for path in request["paths"]]

    serve(prepare)


def _characters(extract: Extract, path: str) -> int | str:
    if Path(path).suffix != ".pdf" and sys.argv[1] in ONLY_PDF:
        return "not a PDF"
    try:
        return len(extract(path))
    except Exception as error:  # noqa: BLE001 - whatever a tool raises, the others go on
        return type(error).__name__


if __name__ == "__main__":
    main()
