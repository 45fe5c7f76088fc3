"""In how many of the searched chunks words stand, told by some of them.

So what is common in one language, or with one owner, is not taken for rare because others write
otherwise, and what was processed a moment ago counts.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from documents import words
from documents.models import Chunk, Document
from documents.search.extent import Extent
from documents.search.running import rows
from documents.search.scope import Scope

SOME = 300  # chunks, or up to twice as many. Half as many cost some .01 R@1 on XQuAD
FEW = 4  # chunks that hold a word: fewer of some tell less than the statistics of all
# Every so many-th of the chunks, as they lie in documents. Each is read by itself, through the
# index; for a join Postgres may read all that there are.
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
    """Of each word of a question, how many of so many looked at chunks hold it."""

    chunks: int  # that are searched
    seen: int = 0
    held: Sequence[int] = ()

    def share(self, word: int, guess: float) -> float:
        """In what share of the searched chunks the word of this number stands, over 0 and under 1.

        As Lucene's BM25 has it. The guess, for all chunks there are, goes where too few were seen.
        """
        if not self.seen:
            return guess
        told = (self.held[word] + 0.5) / (self.seen + 1)
        if self.held[word] >= FEW or self.seen >= self.chunks:
            return told
        return min(max(guess, 1 / self.chunks), FEW / self.seen)


def look(scope: Scope, extent: Extent, asked: Sequence[Collection[str]]) -> Sample:
    """Look for words, each in any of its forms, in some of the chunks of the scope."""
    if not asked:
        return Sample(extent.chunks)
    step = max(1, extent.chunks // SOME)
    values = {**scope.parameters, "step": step, "asked": [*map(_any_of, asked)]}
    found = rows(_HELD.format(of_documents=scope.of_documents), values)
    seen = found[0]["seen"] if found else 0
    return Sample(extent.chunks, seen, [each["held"] for each in found])


def _any_of(forms: Collection[str]) -> str:
    """As a `sparsevec`, whose product with a chunk's weights is 0 if that holds none of them."""
    return words.sparse(dict.fromkeys(map(words.dimension, forms), "1"))
