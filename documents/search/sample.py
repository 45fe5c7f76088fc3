"""Estimates from a sample how many of the searched chunks have a word.

Unlike statistics of all chunks, it knows what is common in one owner's documents or in one
language, and what was processed a moment ago.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from documents import weights
from documents.models import Chunk, Document
from documents.search.extent import Extent
from documents.search.running import rows
from documents.search.scope import Scope

SOME = 300  # chunks, up to twice as many. Half as many cost some .01 R@1 on XQuAD
FEW = 4  # with fewer chunks of the sample that have a word, the statistics of all are better
# Every %(step)s-th chunk in document order. Each is read by itself, through the index: for a join
# Postgres might read all chunks.
_HELD = f"""
    WITH counted AS (
        SELECT id, chunk_count, sum(chunk_count) OVER (ROWS UNBOUNDED PRECEDING) AS up_to
        FROM {Document._meta.db_table} WHERE {{of_documents}}
    ), places AS (
        SELECT id, up_to - place AS index FROM counted, LATERAL generate_series(
            up_to / %(step)s * %(step)s, up_to - chunk_count + 1, -%(step)s
        ) place
    ), looked_at AS MATERIALIZED (
        SELECT (
            SELECT weights FROM {Chunk._meta.db_table} chunk
            WHERE chunk.document_id = places.id AND chunk.index = places.index
        ) FROM places
    )
    SELECT count(weights) AS seen, count(*) FILTER (WHERE weights <#> forms < 0) AS held
    FROM looked_at, unnest(%(asked)s::text[]::sparsevec[]) WITH ORDINALITY word(forms, number)
    GROUP BY number ORDER BY number
"""  # noqa: S608 - names and conditions of our own


@dataclass(frozen=True)
class Sample:
    """For each word of a question, how many of the sampled chunks have it."""

    chunks: int  # that are searched
    seen: int = 0  # chunks in the sample
    held: Sequence[int] = ()

    def share(self, word: int, guess: float) -> float:
        """The share of the searched chunks that have word number `word`, over 0 and under 1.

        Smoothed as in Lucene's BM25. If too few were seen, `guess` counts, the share of all chunks.
        """
        if not self.seen:
            return guess
        told = (self.held[word] + 0.5) / (self.seen + 1)
        if self.held[word] >= FEW or self.seen >= self.chunks:
            return told
        return min(max(guess, 1 / self.chunks), FEW / self.seen)


def look(scope: Scope, extent: Extent, asked: Sequence[Collection[str]]) -> Sample:
    """Count words, each in any of its forms, in a sample of the scope's chunks."""
    if not asked:
        return Sample(extent.chunks)
    step = max(1, extent.chunks // SOME)
    values = {**scope.parameters, "step": step, "asked": [*map(_any_of, asked)]}
    found = rows(_HELD.format(of_documents=scope.of_documents), values)
    seen = found[0]["seen"] if found else 0
    return Sample(extent.chunks, seen, [each["held"] for each in found])


def _any_of(forms: Collection[str]) -> str:
    """A `sparsevec` literal whose product with a chunk's weights is 0 if it has no such form."""
    return weights.sparse(dict.fromkeys(map(weights.dimension, forms), "1"))
