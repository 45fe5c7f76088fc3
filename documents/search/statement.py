"""The one SQL statement of a search: both ways of looking, fused by their ranks.

While few chunks are searched all of them are compared, through a btree; of more, the nearest come
from the graph and the best by words from the index of words.
"""

from documents.models import Chunk, ChunkVector, Document
from documents.search.extent import Extent
from documents.search.scope import Scope

# Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009), their constant.
RRF_K = 60
# `iterative_scan`: a bare WHERE behind the graph loses rows; this goes on until there are enough.
# No seqscan: one owner's chunks are always reached through an index. No parallel workers: to start
# them takes longer than all the rest.
SETTINGS = """
    SET LOCAL hnsw.iterative_scan = strict_order;
    SET LOCAL hnsw.ef_search = 300;
    SET LOCAL enable_seqscan = off;
    SET LOCAL jit = off;
    SET LOCAL max_parallel_workers_per_gather = 0;
"""
_CHUNK, _VECTOR, _DOCUMENT = (model._meta.db_table for model in (Chunk, ChunkVector, Document))
# Read once: a vector of 4,000 dimensions is 40 kB of text. And not known to the planner, who would
# make a bitmap of all the owner's chunks beside that of the words that are looked up.
_ASKED = "asked AS MATERIALIZED (SELECT {})"
_VECTOR_ASKED = "%(vector)s::halfvec({dimensions}) AS vector"
_WORDS_ASKED = """
    %(weights)s::sparsevec AS weights, %(two)s::tsquery AS two, %(one)s::tsquery AS one,
    %(more)s::tsquery AS more
"""
# Of vectors of length 1 the inner product, here negative, is the cosine. The graph knows it by
# this very expression.
_PRODUCT = "(embedding::halfvec({dimensions})) <#> (SELECT vector FROM asked)"
_COMPARED = "embedding <#> (SELECT vector FROM asked)"  # without it
_RELEVANCE = "-(weights <#> (SELECT weights FROM asked))"

_AMONG = f"among AS MATERIALIZED (SELECT id FROM {_DOCUMENT} WHERE {{of_documents}})"  # noqa: S608 - names and conditions of our own, here and below
_NEAREST_OF_ALL = f"""
    nearest AS (
        SELECT chunk_id AS id, {_COMPARED} AS product FROM {_VECTOR} WHERE {{of_vectors}}
        ORDER BY {_COMPARED} LIMIT %(pool)s
    )
"""  # noqa: S608
_NEAREST_BY_GRAPH = f"""
    graph AS MATERIALIZED (
        SELECT chunk_id AS id, {_PRODUCT} AS product FROM {_VECTOR} WHERE {{of_vectors}}
        ORDER BY {_PRODUCT} LIMIT %(pool)s
    ),
    -- The graph gives up where a filter leaves too few of what it passes: then all are compared.
    few AS (SELECT count(*) < %(pool)s AS were_found FROM graph),
    instead AS (
        SELECT chunk_id AS id, {_COMPARED} AS product FROM {_VECTOR}
        WHERE (SELECT were_found FROM few) AND {{of_vectors}}
        ORDER BY {_COMPARED} LIMIT %(pool)s
    ),
    nearest AS (
        SELECT * FROM graph WHERE NOT (SELECT were_found FROM few) UNION ALL SELECT * FROM instead
    )
"""  # noqa: S608
_NEAR = """
    near AS (SELECT id, row_number() OVER (ORDER BY product, id) AS vector_rank FROM nearest)
"""
_MATCHING = f"""
    SELECT id, {_RELEVANCE} AS relevance FROM {_CHUNK} WHERE {{of_chunks}} AND {{matches}}
    ORDER BY {_RELEVANCE} DESC LIMIT %(pool)s
"""  # noqa: S608
_BY_COMPARING = _MATCHING.format(of_chunks="{of_chunks}", matches=f"{_RELEVANCE} > 0")
_COMPARED_BY_WORDS = f"matching AS ({_BY_COMPARING})"
_LOOKED_UP = "words @@ (SELECT {} FROM asked)"
_TWO = _MATCHING.format(of_chunks="{of_chunks}", matches=_LOOKED_UP.format("two"))
_ONE = _MATCHING.format(
    of_chunks="(SELECT hold_two FROM scarce) AND {of_chunks}", matches=_LOOKED_UP.format("one")
)
_MORE = _MATCHING.format(
    of_chunks="(SELECT hold_one FROM none) AND {of_chunks}", matches=_LOOKED_UP.format("more")
)
_BY_WORDS = f"""
    by_two AS MATERIALIZED ({_TWO}),
    scarce AS (SELECT count(*) < %(pool)s AS hold_two FROM by_two),
    by_one AS MATERIALIZED ({_ONE}),
    none AS (SELECT count(*) = 0 AND (SELECT hold_two FROM scarce) AS hold_one FROM by_one),
    by_more AS ({_MORE}),
    matching AS (
        SELECT * FROM by_two WHERE NOT (SELECT hold_two FROM scarce)
        UNION ALL SELECT * FROM by_one UNION ALL SELECT * FROM by_more
    )
"""  # noqa: S608
_WORDED = """
    worded AS (
        SELECT id, row_number() OVER (ORDER BY relevance DESC, id) AS text_rank FROM matching
    )
"""
# Outer: in the moment of a switch, what was found by words may lack its vector.
_OF_CHUNK = (
    f"LEFT JOIN {_VECTOR} vector ON vector.chunk_id = chunk.id AND vector.space_id = {{space}}"
)
_ORDER = "fusion DESC, vector_rank, text_rank"  # nulls are last
_HITS = f"""
    fused AS (
        SELECT id, vector_rank, text_rank,
            coalesce(1.0 / ({RRF_K} + vector_rank), 0) + coalesce(1.0 / ({RRF_K} + text_rank), 0)
                AS fusion
        FROM near FULL JOIN worded USING (id)
    ),
    best AS (SELECT * FROM fused ORDER BY {_ORDER}, id LIMIT %(most)s)
    SELECT chunk.id, chunk.document_id, index, chunk.text, start, "end", page_start, page_end,
        headings, context, document.name AS document_name, document.language,
        vector_rank, text_rank, fusion::float8, {{distance}} AS distance, {{relevance}} AS relevance
    FROM best JOIN {_CHUNK} chunk ON chunk.id = best.id {{vectors}}
    JOIN {_DOCUMENT} document ON document.id = chunk.document_id
    ORDER BY {_ORDER}, chunk.id
"""  # noqa: S608


def statement(scope: Scope, extent: Extent, *, vector: bool, words: bool) -> str:
    """SQL for a search by meaning, by words or both."""
    space = int(extent.space.pk)
    parts = (
        _asked(vector=vector, words=words),
        *((_AMONG,) if scope.is_narrowed else ()),
        *_near(extent, vector=vector),
        *_worded(extent, words=words),
        _HITS,
    )
    values = {
        "of_documents": scope.of_documents,
        "of_chunks": scope.of_chunks,
        "of_vectors": f"space_id = {space} AND {scope.of_vectors}",
        "vectors": _OF_CHUNK.format(space=space) if vector else "",
        "distance": f"1 + ({_PRODUCT})" if vector else "NULL::float8",
        "relevance": _RELEVANCE if words else "NULL::float8",
        "dimensions": int(extent.space.dimensions),
    }
    sql = "WITH " + ",".join(parts)
    for name, value in values.items():
        sql = sql.replace(f"{{{name}}}", str(value))
    return sql


def _asked(*, vector: bool, words: bool) -> str:
    columns = [_VECTOR_ASKED] * vector + [_WORDS_ASKED] * words
    return _ASKED.format(", ".join(columns or ["NULL"]))


def _near(extent: Extent, *, vector: bool) -> tuple[str, ...]:
    if not vector:
        return (_nothing("near", "vector_rank"),)
    return _NEAREST_OF_ALL if extent.compares_vectors else _NEAREST_BY_GRAPH, _NEAR


def _worded(extent: Extent, *, words: bool) -> tuple[str, ...]:
    if not words:
        return (_nothing("worded", "text_rank"),)
    return _COMPARED_BY_WORDS if extent.compares_words else _BY_WORDS, _WORDED


def _nothing(name: str, rank: str) -> str:
    return f"{name} AS (SELECT NULL::uuid AS id, NULL::bigint AS {rank} WHERE false)"
