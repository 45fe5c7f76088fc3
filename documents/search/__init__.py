"""Search: the owner's passages that best answer a question, by meaning and by words."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from documents import words
from documents.search.extent import measure
from documents.search.finding import Mode, find
from documents.search.hits import (
    Hit,
    add_highlights,
    add_neighbours,
    deduplicated,
    grouped,
    shown,
)
from documents.search.question import rarest, understand
from documents.search.rarity import how_rare
from documents.search.sample import look
from documents.search.scope import Scope

__all__ = ["Hit", "Mode", "search"]
POOL = 50  # at least so many of the best of each way go into the fusion
OTHERS = 5  # further hits shown of one document


def search(
    *,
    owner_id: int,
    query: str,
    top_k: int,
    mode: Mode = "hybrid",
    min_score: float = 0,
    context: int = 0,
    distinct: bool = False,
    group: bool = False,
    documents: Sequence[UUID] | None = None,
    **filters: Any,
) -> list[Hit]:
    """The `top_k` best chunks of the owner's searchable documents (or documents, if `group`ed).

    `filters` are the fields of Scope. `context` is the number of neighbours returned with each hit.
    `distinct` merges identical passages; it looks at the whole pool of both ways, so that fewer
    than `top_k` hits are left only if copies fill the pool.
    Raises an `Embedding…` error if the question can't be embedded (mode "text" does not need it).
    """
    scope = Scope(owner_id=owner_id, documents=documents, **filters)
    if (extent := measure(scope)) is None:
        return []  # nothing is asked of the embedding service
    rarity = how_rare()
    asked = rarest(words.query_words(query, extent.languages), rarity)
    by_words = asked if mode != "vector" else []  # then there is nothing to weigh
    question = understand(asked, rarity, look(scope, extent, by_words))
    each = 1 + OTHERS if group else 0
    pool = max(POOL, (each or 2) * top_k)
    most = 2 * pool if distinct else top_k
    found = find(scope, extent, query, question, mode, pool=pool, most=most, each=each)
    hits = [hit for hit in found if hit.score >= min_score]
    hits = deduplicated(hits) if distinct else hits
    hits = (grouped(hits, others=OTHERS) if group else hits)[:top_k]
    add_highlights(shown(hits), query, question.highlighted)
    if context:
        add_neighbours(shown(hits), context)
    return hits
