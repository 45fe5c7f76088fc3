"""What the sandbox's child does with files and texts. Never imported by a worker."""

import json
from pathlib import Path
from typing import Any

from documents.extraction import readers
from documents.extraction.elements import Element, Extracted, Passage
from documents.steps.split import split_text

__all__ = ["check", "read", "split"]

check, read = readers.check, readers.read


def split(path: Path, options: dict[str, Any]) -> list[Passage]:
    """The passages of a text. The file's first line is its elements as JSON, the rest the text."""
    with path.open(encoding="utf-8", newline="") as file:
        elements = tuple(Element(*fields) for fields in json.loads(file.readline()))
        extracted = Extracted(text=file.read(), elements=elements)
    return split_text(extracted, **options)
