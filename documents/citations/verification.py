"""Whether a quotation occurs in a document, and where."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, takewhile
from operator import itemgetter
from uuid import UUID

from documents.citations import quotations
from documents.models import Chunk, Document

MOST_PLACES = 10
_START, _PAGE = 1, 3  # of an element, as it is kept
_END = itemgetter(2)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a quotation occurs."""

    start: int  # characters of the document's text
    end: int
    text: str  # as written there
    exact: bool  # character by character; else case, spaces, punctuation and hyphens may differ
    chunks: list[Chunk]  # that contain it or a part of it, and have its headings
    page_start: int | None
    page_end: int | None

    @property
    def chunk_ids(self) -> list[UUID]:
        return [chunk.pk for chunk in self.chunks]

    @property
    def headings(self) -> list[str]:
        return list(self.chunks[0].headings) if self.chunks else []


def verify(document: Document, quote: str) -> list[Place]:
    """The first MOST_PLACES places of the quotation in the document's text, in order.

    Letters, their diacritics and digits must match, ignoring case, and so must signs that change a
    number; line ends, hyphens, quotation marks and other punctuation are often quoted differently.
    The quotation must begin and end with whole words and numbers.
    Raises NothingQuoted for one without letters and digits.
    """
    text = document.extraction.text if document.extraction else ""
    found = list(islice(quotations.exactly(text, quote), MOST_PLACES))
    exact = bool(found)
    if not exact:
        found = list(islice(quotations.loosely(text, quote), MOST_PLACES))
    return [_place(document, text, span, exact=exact) for span in found]


def _place(document: Document, text: str, span: tuple[int, int], *, exact: bool) -> Place:
    start, end = span
    chunks = document.chunks.filter(start__lt=end, end__gt=start).order_by("index")
    held = list(chunks.defer("text", "weights", "words", "digest", "context"))
    first, last = _pages(document, span, held)
    return Place(
        start=start, end=end, text=text[start:end], exact=exact, chunks=held,
        page_start=first, page_end=last,
    )  # fmt: skip


def _pages(
    document: Document, span: tuple[int, int], chunks: Sequence[Chunk]
) -> tuple[int | None, int | None]:
    """The first and last page: the chunks', or if those differ, that of the elements inside."""
    first = chunks[0].page_start if chunks else None
    last = chunks[-1].page_end if chunks else None
    if first == last or document.extraction is None:
        return first, last
    elements = document.extraction.elements
    at = bisect_right(elements, span[0], key=_END)
    within = takewhile(lambda element: element[_START] < span[1], elements[at:])
    pages = [element[_PAGE] for element in within if element[_PAGE] is not None]
    return (min(pages), max(pages)) if pages else (first, last)
