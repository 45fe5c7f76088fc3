"""Hits of a search: the passage, its place and why it was found."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from functools import cache

from django.db.models import Q

from documents import words
from documents.models import Chunk, Document
from documents.search.question import SHORT


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a hit ranks where it does. A rank is None if the hit is not among the best of that way;
    `distance` or `relevance` is None if the search did not use that way."""

    vector_rank: int | None
    distance: float | None  # cosine distance, 0 to 2
    text_rank: int | None
    relevance: float | None  # BM25
    fusion: float  # of both ways, 1 for the best of each


@dataclass(kw_only=True)
class Hit:
    chunk: Chunk
    document: Document
    score: float  # at most 1: the cosine similarity, or the share of the best possible score
    explanation: Explanation
    highlights: list[tuple[int, int]] = field(default_factory=list)  # in the chunk's text
    copies: list["Hit"] = field(default_factory=list)  # further hits with the same passage
    before: list[Chunk] = field(default_factory=list)
    after: list[Chunk] = field(default_factory=list)
    others: list["Hit"] = field(default_factory=list)  # further hits in the same document


def add_highlights(hits: Iterable[Hit], query: str, highlighted: Set[str]) -> None:
    """Set each hit's `highlights`: where the question's words occur in one of these forms."""
    others = {form for form in highlighted if len(form) > SHORT}
    own = cache(lambda language: _own(query, language, highlighted))
    for hit in hits:
        language = hit.document.language
        places = words.spans(hit.chunk.text, language, own(language), others)
        hit.highlights = _joined(sorted(places))


def _own(query: str, language: str, highlighted: Set[str]) -> Set[str]:
    """The forms that the question's words have in a language."""
    every = words.query_words(query, [language])
    return set().union(*(forms for forms in every if forms <= highlighted))


def _joined(places: Iterable[words.Span]) -> list[words.Span]:
    """Sorted spans, with overlapping ones merged."""
    joined: list[words.Span] = []
    for start, end in places:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def deduplicated(hits: Iterable[Hit]) -> list[Hit]:
    """Each passage once: further hits with the same text and context become its `copies`."""
    best: dict[tuple[str, str], Hit] = {}
    for hit in hits:
        first = best.setdefault((hit.chunk.context, hit.chunk.text), hit)
        if first is not hit:
            first.copies.append(hit)
    return list(best.values())


def grouped(hits: Sequence[Hit], *, others: int) -> list[Hit]:
    """The best hit of each document, with at most `others` further ones."""
    best: dict[object, Hit] = {}
    for hit in hits:
        first = best.setdefault(hit.chunk.document_id, hit)
        if first is not hit and len(first.others) < others:
            first.others.append(hit)
    return list(best.values())


def shown(hits: Iterable[Hit]) -> list[Hit]:
    """The hits and their `others`."""
    return [member for hit in hits for member in (hit, *hit.others)]


def add_neighbours(hits: Sequence[Hit], distance: int) -> None:
    """Give each hit the `distance` chunks before and after it in its document."""
    around = {
        (chunk.document_id, chunk.index): chunk
        for chunk in Chunk.objects.filter(_around(hits, distance)).defer(
            "weights", "words", "digest"
        )
    }
    for hit in hits:
        document, index = hit.chunk.document_id, hit.chunk.index
        near = [(at, around.get((document, at))) for at in _neighbours(index, distance)]
        hit.before = [chunk for at, chunk in near if chunk and at < index]
        hit.after = [chunk for at, chunk in near if chunk and at > index]


def _around(hits: Iterable[Hit], distance: int) -> Q:
    found = Q(pk=None)
    for hit in hits:
        places = list(_neighbours(hit.chunk.index, distance))
        found |= Q(document=hit.chunk.document_id, index__in=places)
    return found


def _neighbours(index: int, distance: int) -> range:
    return range(max(0, index - distance), index + distance + 1)
