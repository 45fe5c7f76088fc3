"""The one SQL statement of a search: both ways of looking, fused by their ranks.

While few chunks are searched all of them are compared, through a btree; of more, the nearest come
from the graph and the best by words from the index of words. The size is known only to the
statement, so it holds both ways, and Postgres leaves out the one that is not wanted.
"""

from typing import Any

from documents.models import Chunk, Document
from documents.search.question import SIZES

EXACT_UP_TO = 10_000  # chunks
# Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009), their constant.
RRF_K = 60
# `iterative_scan`: a bare WHERE behind the graph loses rows; this goes on until there are enough.
# No seqscan: one owner's chunks are always reached through an index.
SETTINGS = """
    SET LOCAL hnsw.iterative_scan = strict_order;
    SET LOCAL hnsw.ef_search = 100;
    SET LOCAL enable_seqscan = off;
    SET LOCAL jit = off;
"""
_CHUNK, _DOCUMENT = Chunk._meta.db_table, Document._meta.db_table
_TIERS = " ".join(f"WHEN n <= {size} THEN %(lookup_{size})s" for size in SIZES[:-1])
_DISTANCE = "embedding <=> %(vector)s::halfvec"
_RELEVANCE = "-(weights <#> %(weights)s::sparsevec)"

_AMONG = f"""
    among AS MATERIALIZED (
        SELECT id, chunk_count FROM {_DOCUMENT} document
        WHERE owner_id = %(owner)s AND chunk_count > 0 {{documents}}
    ),
    size AS MATERIALIZED (SELECT coalesce(sum(chunk_count), 0) AS n FROM among)
"""  # noqa: S608 - names and conditions of our own, here and below
# All that is searched, if it is little: what is not among the best of either way is dropped below.
_ALL = f"""
    whole AS MATERIALIZED (
        SELECT id, {{distance}} AS distance, {{relevance}} AS relevance FROM {_CHUNK}
        WHERE (SELECT n FROM size) <= %(exact_up_to)s AND {{scope}}
    )
"""  # noqa: S608
_NEAR = f"""
    graph AS MATERIALIZED (
        SELECT id, {_DISTANCE} AS distance FROM {_CHUNK}
        WHERE (SELECT n FROM size) > %(exact_up_to)s AND {{scope}}
        ORDER BY {_DISTANCE} LIMIT %(pool)s
    ),
    -- The graph gives up where a filter leaves too few of what it passes.
    rest AS MATERIALIZED (
        SELECT id, {_DISTANCE} AS distance FROM {_CHUNK}
        WHERE (SELECT n FROM size) > %(exact_up_to)s
            AND (SELECT count(*) FROM graph) < %(pool)s AND {{scope}}
        ORDER BY ({_DISTANCE}) + 0 LIMIT %(pool)s
    ),
    near AS (
        SELECT id, row_number() OVER (ORDER BY distance, id) AS vector_rank FROM (
            SELECT id, distance FROM whole
            UNION SELECT id, distance FROM graph
            UNION SELECT id, distance FROM rest
            ORDER BY distance, id LIMIT %(pool)s
        ) nearest
    )
"""  # noqa: S608
_WORDS = f"""
    matching AS MATERIALIZED (
        SELECT id, {_RELEVANCE} AS relevance FROM {_CHUNK}
        WHERE (SELECT n FROM size) > %(exact_up_to)s AND {{scope}}
            AND words @@ (
                SELECT CASE {_TIERS} ELSE %(lookup_{SIZES[-1]})s END::tsquery FROM size
            )
        ORDER BY {_RELEVANCE} DESC LIMIT %(pool)s
    ),
    worded AS (
        SELECT id, row_number() OVER (ORDER BY relevance DESC, id) AS text_rank FROM (
            SELECT id, relevance FROM whole WHERE relevance > 0
            UNION SELECT id, relevance FROM matching
            ORDER BY relevance DESC, id LIMIT %(pool)s
        ) best
    )
"""  # noqa: S608
_NONE = "SELECT NULL::uuid AS id, NULL::bigint AS {} WHERE false"
_HITS = f"""
    fused AS (
        SELECT id, vector_rank, text_rank,
            coalesce(1.0 / ({RRF_K} + vector_rank), 0) + coalesce(1.0 / ({RRF_K} + text_rank), 0)
                AS fusion
        FROM near FULL JOIN worded USING (id)
    )
    SELECT chunk.id, chunk.document_id, index, text, start, "end", page_start, page_end, headings,
        document.name AS document_name, document.language, vector_rank, text_rank, fusion::float8,
        {{distance}} AS distance, {{relevance}} AS relevance
    FROM fused JOIN {_CHUNK} chunk ON chunk.id = fused.id
    JOIN {_DOCUMENT} document ON document.id = chunk.document_id
    ORDER BY fusion DESC, distance, relevance DESC, chunk.id LIMIT %(most)s
"""  # noqa: S608


def statement(*, vector: bool, words: bool, documents: str, scope: str) -> str:
    """SQL for a search by meaning, by words or both; the conditions begin with AND or are empty."""
    distance = _DISTANCE if vector else "NULL::float8"
    relevance = _RELEVANCE if words else "NULL::float8"
    parts = (
        _AMONG,
        _ALL,
        _NEAR if vector else f"near AS ({_NONE.format('vector_rank')})",
        _WORDS if words else f"worded AS ({_NONE.format('text_rank')})",
        _HITS,
    )
    within = "owner_id = %(owner)s" + scope
    sql = "WITH " + ",".join(parts)
    for name, value in {"documents": documents, "scope": within, "distance": distance,
                        "relevance": relevance}.items():  # fmt: skip
        sql = sql.replace(f"{{{name}}}", value)
    return sql


def lookups(queries: list[str]) -> dict[str, Any]:
    """The parameters for a question's lookups."""
    return {f"lookup_{size}": query for size, query in zip(SIZES, queries, strict=True)}
