"""Jupyter notebooks: Markdown cells as text, code cells unchanged, followed by their outputs."""

import json
import re
from collections.abc import Iterator
from typing import Any

from unstructured.documents.elements import Element

from documents.extraction import build
from documents.extraction.encodings import text_of
from documents.extraction.markup import markdown
from documents.extraction.numerals import whole
from documents.extraction.reading import Reading
from documents.extraction.text import reader as text
from documents.extraction.web import reader as web

# The text of an image or widget that only names it: "<Figure size 640x480 with 1 Axes>".
_SEEN = re.compile(r"image/|application/vnd\.jupyter\.widget")
_COLOR = re.compile(r"\x1b\[[\d;]*m")


def read_notebook(reading: Reading) -> Iterator[Element]:
    """The cells; if the file is no notebook, the whole file as JSON."""
    try:
        cells = _cells(json.loads(text_of(reading)))
    except (ValueError, RecursionError):
        cells = []
    if not cells:
        yield from text.read_json(reading)
    for done, cell in enumerate(cells, 1):
        yield from _cell(cell)
        reading.progress(done, len(cells))


def _cells(notebook: Any) -> list[dict[str, Any]]:
    """The cells of version 4, or of the worksheets of version 3."""
    cells = _list(notebook, "cells")
    for sheet in _list(notebook, "worksheets"):
        cells += _list(sheet, "cells")
    return cells


def _cell(cell: dict[str, Any]) -> Iterator[Element]:
    source = _text(cell.get("source", cell.get("input")))
    kind = cell.get("cell_type")
    if kind == "markdown":
        yield from markdown.elements_of(source)
    elif kind == "heading":
        yield build.title(source, whole(str(cell.get("level")), 1))
    elif kind == "code":
        yield build.code(source)
        for output in _list(cell, "outputs"):
            yield from _output(output)
    else:
        yield from text.blocks_of(source)


def _output(output: dict[str, Any]) -> Iterator[Element]:
    data = output.get("data")
    if not isinstance(data, dict):
        said = [output.get("ename"), output.get("evalue")] if "evalue" in output else []
        yield build.code(_written(": ".join(map(_text, said)) or _text(output.get("text"))))
    elif "text/markdown" in data:
        yield from markdown.elements_of(_text(data["text/markdown"]))
    elif "text/html" in data:
        yield from web.elements_of(_text(data["text/html"]))
    elif not any(map(_SEEN.match, data)):
        yield build.code(_written(_text(data.get("text/plain"))))


def _written(text: str) -> str:
    """What a terminal would finally show: no colors, only the end of a progress bar."""
    lines = _COLOR.sub("", text).split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _list(value: Any, name: str) -> list[dict[str, Any]]:
    found = value.get(name) if isinstance(value, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(value: Any) -> str:
    """A text, which may be stored as a list of lines."""
    lines = value if isinstance(value, list) else [value]
    return "".join(line for line in lines if isinstance(line, str))
