"""What the sandbox's child process does with files and texts. Never import it in a worker."""

from pathlib import Path
from typing import Any

from documents.extraction import readers
from documents.extraction.elements import Passage
from documents.steps.split import split_kept

__all__ = ["check", "read", "split"]

check, read = readers.check, readers.read
readers.warm_up()


def split(path: Path, options: dict[str, Any]) -> list[Passage]:
    """The passages of a text. The file's first line is its elements as JSON, the rest the text."""
    with path.open(encoding="utf-8", newline="") as file:
        elements = file.readline()
        return split_kept(file.read(), elements, **options)
