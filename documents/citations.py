"""Whether a quotation really stands in a document, and where."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from documents.exceptions import NothingQuoted
from documents.models import Chunk, Document
from documents.words import is_unspaced

MOST_PLACES = 10
_SIGNS = re.compile(r"[\W_]+")
_LETTERS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a quotation stands."""

    start: int  # characters of the document's text
    end: int
    text: str  # as it stands there
    exact: bool  # to the letter; else but for case, spaces, signs and hyphens
    chunks: list[Chunk]  # that hold it, or a part of it; pages and headings are theirs

    @property
    def chunk_ids(self) -> list[UUID]:
        return [chunk.pk for chunk in self.chunks]

    @property
    def page_start(self) -> int | None:
        return self.chunks[0].page_start if self.chunks else None

    @property
    def page_end(self) -> int | None:
        return self.chunks[-1].page_end if self.chunks else None

    @property
    def headings(self) -> list[str]:
        return list(self.chunks[0].headings) if self.chunks else []


def verify(document: Document, quote: str) -> list[Place]:
    """The first MOST_PLACES places of the quotation in the document's text, in order.

    Letters and digits are compared, in either case: spaces, line ends, hyphens, quotation marks and
    other signs are often not quoted as they stand. It must begin and end with whole words.
    Raises NothingQuoted for one without letters and digits.
    """
    text = document.extraction.text if document.extraction else ""
    found = [(at, at + len(quote)) for at in _positions(text, quote) if _is_whole(text, at, quote)]
    exact = set(found)
    if not found:
        found = list(_loosely(text, quote))
    return [_place(document, text, span, exact=span in exact) for span in found[:MOST_PLACES]]


def _place(document: Document, text: str, span: tuple[int, int], *, exact: bool) -> Place:
    start, end = span
    chunks = document.chunks.filter(start__lt=end, end__gt=start).order_by("index")
    held = list(chunks.defer("text", "weights", "words", "digest", "context"))
    return Place(start=start, end=end, text=text[start:end], exact=exact, chunks=held)


def _loosely(text: str, quote: str) -> Iterator[tuple[int, int]]:
    wanted = _SIGNS.sub("", _folded(unicodedata.normalize("NFKC", quote)))
    if not wanted:
        raise NothingQuoted
    starts = list(_positions(_SIGNS.sub("", _folded(text)), wanted))
    ends = [at + len(wanted) - 1 for at in starts]  # the last letter
    places = _unstripped(text, sorted({*starts, *ends}))
    for first, last in zip(starts, ends, strict=True):
        start, end = places[first], places[last] + 1
        if not _cuts_word(text, start) and not _cuts_word(text, end):
            yield start, end


def _positions(text: str, wanted: str) -> Iterator[int]:
    """Where it stands, more often than is wanted, as some places are none."""
    at = text.find(wanted) if wanted else -1
    for _ in range(10 * MOST_PLACES):
        if at < 0:
            return
        yield at
        at = text.find(wanted, at + 1)


def _is_whole(text: str, at: int, quote: str) -> bool:
    return not _cuts_word(text, at) and not _cuts_word(text, at + len(quote))


def _cuts_word(text: str, at: int) -> bool:
    """Whether a word goes on over this place; scripts without spaces have no such places."""
    if not 0 < at < len(text):
        return False
    around = text[at - 1 : at + 1]
    return around.isalnum() and not any(map(is_unspaced, around))


def _folded(text: str) -> str:
    """Small and in one form, each character still in its place."""
    forms = {c: unicodedata.normalize("NFKC", c).lower() for c in set(text)}
    return text.translate({ord(c): form for c, form in forms.items() if len(form) == 1})


def _unstripped(text: str, positions: list[int]) -> dict[int, int]:
    """From places among the letters alone, which are in order, to those in the text."""
    found: dict[int, int] = {}
    passed = 0
    waiting = iter(positions)
    position = next(waiting, None)
    for run in _LETTERS.finditer(_folded(text)):
        length = run.end() - run.start()
        while position is not None and position < passed + length:
            found[position] = run.start() + position - passed
            position = next(waiting, None)
        passed += length
    return found
