"""What a reader hands on: one normalised text and the elements that lie in it."""

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["title", "text", "list_item", "table", "code"]


@dataclass(frozen=True, slots=True)
class Element:
    """A stretch of the text. `text[start:end]` in code points, end excluded."""

    kind: Kind
    start: int
    end: int
    page: int | None = None  # 1-based; None where the format has no pages
    level: int = 0  # heading level of a title, 1 is the outermost; 0 for all else
    header: str = ""  # the header row of a table, repeated beside each of its parts


@dataclass(frozen=True, slots=True)
class Extracted:
    """A document as text. Elements are in reading order and don't overlap."""

    text: str
    elements: tuple[Element, ...]
    pages: int | None = None
    language: str = ""  # ISO 639-1, "" when unknown
    details: dict[str, Any] = field(
        default_factory=dict
    )  # what the step shows: tables, warnings, …


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk before it has a vector. `text[start:end]` of the extracted text is the passage."""

    index: int
    start: int
    end: int
    page_start: int | None
    page_end: int | None
    headings: tuple[str, ...]  # from the outermost
    context: str  # heading path, table header: put before the text for embedding, never part of it
