"""The result of reading: one normalised text and the elements in it."""

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["title", "text", "list_item", "table", "code"]


@dataclass(frozen=True, slots=True)
class Element:
    """A span of the text: `text[start:end]` in code points."""

    kind: Kind
    start: int
    end: int
    page: int | None = None  # 1-based; None where the format has no pages
    level: int = 0  # of a title, 1 is the outermost; 0 for other kinds
    header: str = ""  # the header row of a table, added to the context of each of its passages


@dataclass(frozen=True, slots=True)
class Extracted:
    """A document as text. Elements are in reading order and don't overlap."""

    text: str
    elements: tuple[Element, ...]
    pages: int | None = None
    language: str = ""  # ISO 639-1, "" when unknown
    details: dict[str, Any] = field(default_factory=dict)  # shown on the step: tables, warnings, …


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk before it has a vector: `text[start:end]` of the extracted text."""

    index: int
    start: int
    end: int
    page_start: int | None
    page_end: int | None
    headings: tuple[str, ...]  # from the outermost
    context: str  # heading path, table header: put before the text for embedding, never part of it
