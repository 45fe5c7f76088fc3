"""Keeps what was found in passages until they are stored: of a book that is 200 MB."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Any
from weakref import finalize

from documents.weights import indexed

IN_MEMORY = 4_000_000  # bytes; more go to a file


class WordsFile:
    """The words of passages and their weights, in the order in which they were added."""

    def __init__(self) -> None:
        self._lines: Any = SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115
        finalize(self, self._lines.close)

    def add(self, text: str, language: str, name: str) -> None:
        """What `documents.weights.indexed` finds."""
        self._lines.write("\t".join(indexed(text, language, name)) + "\n")

    def __iter__(self) -> Iterator[list[str]]:
        """Words and weights of each; may be asked for again."""
        self._lines.seek(0)
        for line in self._lines:
            yield line.rstrip("\n").split("\t")
