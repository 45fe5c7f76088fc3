"""The one SQL statement of a search: both ways of looking, fused by their ranks.

While few chunks are searched all of them are compared, through a btree; of more, the nearest come
from the graph and the best by words from the index of words. How many they are is known only to
the statement, so it holds both, and Postgres passes over the one that is not wanted.
"""

from typing import Any

from documents.models import Chunk, ChunkVector, Document, EmbeddingSpace
from documents.search.question import SIZES
from documents.search.scope import Scope

EXACT_UP_TO = 10_000  # chunks are compared one by one with a vector
WORDS_EXACT_UP_TO = 2_000  # or with words, which takes several times as long
# The index of words holds everybody's chunks, so what it reads grows with theirs. That many times
# as many of theirs are read as of the owner's.
OTHERS_SHARE = 10
# Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009), their constant.
RRF_K = 60
# `iterative_scan`: a bare WHERE behind the graph loses rows; this goes on until there are enough.
# No seqscan: one owner's chunks are always reached through an index. No parallel workers: they
# would be started for the ways that are passed over too, which takes longer than all the rest.
SETTINGS = """
    SET LOCAL hnsw.iterative_scan = strict_order;
    SET LOCAL hnsw.ef_search = 200;
    SET LOCAL enable_seqscan = off;
    SET LOCAL jit = off;
    SET LOCAL max_parallel_workers_per_gather = 0;
"""
_CHUNK, _VECTOR, _DOCUMENT = (model._meta.db_table for model in (Chunk, ChunkVector, Document))
_TIERS = " ".join(f"WHEN weighed <= {size} THEN %(lookup_{size})s" for size in SIZES[:-1])
# Of vectors of length 1 the inner product, here negative, is the cosine. The graph knows it by
# this very expression.
_PRODUCT = "(embedding::halfvec({dimensions})) <#> %(vector)s::halfvec({dimensions})"
_COMPARED = "embedding <#> %(vector)s::halfvec"  # without it
_RELEVANCE = "-(weights <#> %(weights)s::sparsevec)"

_AMONG = f"""
    among AS MATERIALIZED (
        SELECT id, chunk_count FROM {_DOCUMENT} document
        WHERE owner_id = %(owner)s AND chunk_count > 0 {{documents}}
    ),
    size AS MATERIALIZED (
        SELECT coalesce(sum(chunk_count), 0) AS n, greatest(sum(chunk_count), (
            SELECT reltuples FROM pg_class WHERE oid = '{_CHUNK}'::regclass
        ) / {OTHERS_SHARE}) AS weighed FROM among
    )
"""  # noqa: S608 - names and conditions of our own, here and below
_NEAR = f"""
    compared AS (
        SELECT chunk_id AS id, {_COMPARED} AS product FROM {_VECTOR}
        WHERE (SELECT n FROM size) <= %(exact_up_to)s AND {{of_vectors}}
        ORDER BY {_COMPARED} LIMIT %(pool)s
    ),
    graph AS MATERIALIZED (
        SELECT chunk_id AS id, {_PRODUCT} AS product FROM {_VECTOR}
        WHERE (SELECT n FROM size) > %(exact_up_to)s AND {{of_vectors}}
        ORDER BY {_PRODUCT} LIMIT %(pool)s
    ),
    -- The graph gives up where a filter leaves too few of what it passes: then all are compared.
    few AS (SELECT count(*) < %(pool)s AS were_found FROM graph),
    instead AS (
        SELECT chunk_id AS id, {_COMPARED} AS product FROM {_VECTOR}
        WHERE (SELECT n FROM size) > %(exact_up_to)s AND (SELECT were_found FROM few)
            AND {{of_vectors}}
        ORDER BY {_COMPARED} LIMIT %(pool)s
    ),
    near AS (
        SELECT id, row_number() OVER (ORDER BY product, id) AS vector_rank FROM (
            SELECT * FROM compared
            UNION ALL SELECT * FROM graph WHERE NOT (SELECT were_found FROM few)
            UNION ALL SELECT * FROM instead
        ) nearest
    )
"""  # noqa: S608
_WORDS = f"""
    weighed AS (
        SELECT id, {_RELEVANCE} AS relevance FROM {_CHUNK}
        WHERE (SELECT n FROM size) <= %(words_exact_up_to)s AND {{of_chunks}} AND {_RELEVANCE} > 0
        ORDER BY {_RELEVANCE} DESC LIMIT %(pool)s
    ),
    matching AS (
        SELECT id, {_RELEVANCE} AS relevance FROM {_CHUNK}
        WHERE (SELECT n FROM size) > %(words_exact_up_to)s AND {{of_chunks}}
            AND words @@ (
                SELECT CASE {_TIERS} ELSE %(lookup_{SIZES[-1]})s END::tsquery FROM size
            )
        ORDER BY {_RELEVANCE} DESC LIMIT %(pool)s
    ),
    worded AS (
        SELECT id, row_number() OVER (ORDER BY relevance DESC, id) AS text_rank
        FROM (SELECT * FROM weighed UNION ALL SELECT * FROM matching) best
    )
"""  # noqa: S608
# Outer: in the moment of a switch, what was found by words may lack its vector.
_OF_CHUNK = (
    f"LEFT JOIN {_VECTOR} vector ON vector.chunk_id = chunk.id AND vector.space_id = {{space}}"
)
_ORDER = "fusion DESC, vector_rank, text_rank"  # nulls are last
_NONE = "SELECT NULL::uuid AS id, NULL::bigint AS {} WHERE false"
_HITS = f"""
    fused AS (
        SELECT id, vector_rank, text_rank,
            coalesce(1.0 / ({RRF_K} + vector_rank), 0) + coalesce(1.0 / ({RRF_K} + text_rank), 0)
                AS fusion
        FROM near FULL JOIN worded USING (id)
    ),
    best AS (SELECT * FROM fused ORDER BY {_ORDER}, id LIMIT %(most)s)
    SELECT chunk.id, chunk.document_id, index, chunk.text, start, "end", page_start, page_end,
        headings, document.name AS document_name, document.language, vector_rank, text_rank,
        fusion::float8, {{distance}} AS distance, {{relevance}} AS relevance
    FROM best JOIN {_CHUNK} chunk ON chunk.id = best.id {{vectors}}
    JOIN {_DOCUMENT} document ON document.id = chunk.document_id
    ORDER BY {_ORDER}, chunk.id
"""  # noqa: S608


def statement(scope: Scope, space: EmbeddingSpace, *, vector: bool, words: bool) -> str:
    """SQL for a search by meaning, by words or both."""
    parts = (
        _AMONG,
        _NEAR if vector else f"near AS ({_NONE.format('vector_rank')})",
        _WORDS if words else f"worded AS ({_NONE.format('text_rank')})",
        _HITS,
    )
    values = {
        "documents": scope.of_documents,
        "of_chunks": scope.of_chunks,
        "of_vectors": f"space_id = {int(space.pk)} AND {scope.of_vectors}",
        "vectors": _OF_CHUNK.format(space=int(space.pk)) if vector else "",
        "distance": f"1 + ({_PRODUCT})" if vector else "NULL::float8",
        "relevance": _RELEVANCE if words else "NULL::float8",
        "dimensions": int(space.dimensions),
    }
    sql = "WITH " + ",".join(parts)
    for name, value in values.items():
        sql = sql.replace(f"{{{name}}}", str(value))
    return sql


def lookups(queries: list[str]) -> dict[str, Any]:
    """The parameters for a question's lookups."""
    return {f"lookup_{size}": query for size, query in zip(SIZES, queries, strict=True)}
