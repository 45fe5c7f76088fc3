"""Search: the passages that answer a question best, by meaning and by words, among one's own."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from documents.search.extent import measure
from documents.search.finding import Mode, find
from documents.search.hits import Hit, add_neighbours, grouped
from documents.search.question import understand
from documents.search.rarity import how_rare
from documents.search.scope import Scope

__all__ = ["Hit", "Mode", "search"]
POOL = 50  # of each way's best, at least, for the fusion
OTHERS = 5  # further hits shown of one document


def search(
    *,
    owner_id: int,
    query: str,
    top_k: int,
    mode: Mode = "hybrid",
    min_score: float = 0,
    context: int = 0,
    group: bool = False,
    documents: Sequence[UUID] | None = None,
    **filters: Any,
) -> list[Hit]:
    """The `top_k` best chunks of the owner's searchable documents (or documents, if `group`ed).

    `filters` are those of Scope. `context` is how many neighbours each hit brings along.
    Raises an `Embedding…` error when the question can't be embedded; by text it need not be.
    """
    scope = Scope(owner_id=owner_id, documents=documents, **filters)
    if (extent := measure(scope)) is None:
        return []  # nothing is asked of the embedding service
    question = understand(query, how_rare())
    most = max(POOL, top_k) if group else top_k
    found = find(scope, extent, query, question, mode, pool=max(POOL, 2 * top_k), most=most)
    hits = [hit for hit in found if hit.score >= min_score]
    hits = grouped(hits, others=OTHERS)[:top_k] if group else hits
    if context:
        add_neighbours(hits, context)
    return hits
