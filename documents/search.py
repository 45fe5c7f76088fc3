"""Search by meaning: the passages nearest to a question, only among the asker's documents."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models import QuerySet, Sum
from pgvector.django import CosineDistance

from documents.embeddings import Vector, embed_query
from documents.models import Chunk, Document

# Up to so many chunks an exact scan through the document index is faster than the graph, and whole.
EXACT_UP_TO = 10_000
# The graph can only be walked by an index scan, the btree of documents also by a bitmap.
_EXACT = "SET LOCAL enable_indexscan = off"
# A bare WHERE behind the graph loses rows; an iterative scan goes on until there are `top_k`.
_GRAPH = "SET LOCAL hnsw.iterative_scan = strict_order; SET LOCAL hnsw.ef_search = 100"


@dataclass(frozen=True, kw_only=True)
class Hit:
    chunk: Chunk
    document: Document
    score: float  # cosine similarity, at most 1


def search(
    *, owner_id: int, query: str, top_k: int, documents: Sequence[UUID] | None = None
) -> list[Hit]:
    """The `top_k` nearest chunks of the owner's searchable documents, best first.

    Raises an `Embedding…` error when the question can't be embedded.
    """
    among = Document.objects.filter(owner_id=owner_id, chunk_count__gt=0)
    if documents is not None:
        among = among.filter(pk__in=documents)
    size = among.aggregate(total=Sum("chunk_count"))["total"] or 0
    if not size:
        return []
    nearest = _nearest(among, embed_query(query), top_k, exact=size <= EXACT_UP_TO)
    return [Hit(chunk=row, document=row.document, score=score) for row, score in nearest]


def _nearest(
    among: "QuerySet[Document]", vector: Vector, top_k: int, *, exact: bool
) -> list[tuple[Chunk, float]]:
    found = (
        Chunk.objects.filter(document__in=among)
        .annotate(distance=CosineDistance("embedding", vector))
        .select_related("document")
        .defer("embedding", "document__error_message")
        .order_by("distance")
    )
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_EXACT if exact else _GRAPH)
        return [(row, 1 - row.distance) for row in found[:top_k]]
