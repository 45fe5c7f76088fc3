"""The one SQL statement of a search: by meaning and by words, fused by rank and by score.

If few chunks are searched, all of them are compared, through a btree; otherwise the nearest come
from the graph and the best by words from the index of words. Grouped by document, each way takes
at most `each` chunks of one document, so that a long one does not crowd out the others.
"""

from collections.abc import Mapping

from documents.models import Chunk, ChunkVector, Document
from documents.search.extent import Extent
from documents.search.fusion import FUSION, NOTHING_FROM, TOLD
from documents.search.scope import Scope

_CHUNK, _VECTOR, _DOCUMENT = (model._meta.db_table for model in (Chunk, ChunkVector, Document))
# Materialized, so that it is parsed once (a vector of 4,000 dimensions is 40 kB of text) and hidden
# from the planner, which would add a bitmap of all the owner's chunks to that of the words.
_ASKED = "asked AS MATERIALIZED (SELECT {})"
_VECTOR_ASKED = "%(vector)s::halfvec({dimensions}) AS vector"
_WORDS_ASKED = """
    %(weights)s::sparsevec AS weights, %(content)s::tsquery AS content, %(two)s::tsquery AS two,
    %(one)s::tsquery AS one, %(more)s::tsquery AS more
"""
# `<#>` is the negative inner product, which for vectors of length 1 is the negative cosine. The
# graph's index is on exactly this expression.
_PRODUCT = "(embedding::halfvec({dimensions})) <#> (SELECT vector FROM asked)"
_COMPARED = "embedding <#> (SELECT vector FROM asked)"  # without the graph
_RELEVANCE = "-(weights <#> (SELECT weights FROM asked))"

_AMONG = f"among AS MATERIALIZED (SELECT id FROM {_DOCUMENT} WHERE {{of_documents}})"  # noqa: S608 - names and conditions of our own, here and below
_ALL_COMPARED = f"""
    SELECT chunk_id AS id, {_COMPARED} AS product {{document}} FROM {_VECTOR} WHERE {{of_vectors}}
"""  # noqa: S608
_NEAREST_BY_GRAPH = f"""
    graph AS MATERIALIZED (
        SELECT chunk_id AS id, {_PRODUCT} AS product {{document}} FROM {_VECTOR}
        WHERE {{of_vectors}} ORDER BY {_PRODUCT} LIMIT %(near)s
    ),
    -- If a filter leaves too few of what the graph returns, all vectors are compared instead.
    few AS (SELECT count(*) < %(pool)s AS were_found FROM graph),
    instead AS ({{instead}}),
    nearest AS (({{from_graph}}) UNION ALL SELECT * FROM instead)
"""  # noqa: S608
_INSTEAD = "AND (SELECT were_found FROM few)"
_FROM_GRAPH = "SELECT * FROM graph WHERE NOT (SELECT were_found FROM few)"
_NEAR = f"""
    placed_by_meaning AS (
        SELECT *, row_number() OVER (ORDER BY product, id) AS vector_rank FROM nearest
    ),
    ends AS (
        SELECT min(product) AS best, max(product) AS least FROM placed_by_meaning
        WHERE vector_rank <= {NOTHING_FROM}
    ),
    near AS (
        SELECT id, vector_rank {{document}},
            greatest(0, coalesce((least - product) / nullif(least - best, 0), 1)) AS nearness
        FROM placed_by_meaning, ends
    )
"""  # noqa: S608
_MATCHING = f"""
    SELECT id, {_RELEVANCE} AS relevance {{{{document}}}}
    FROM {_CHUNK} WHERE {{sooner}} {{{{of_chunks}}}} AND {{matches}}
"""  # noqa: S608
_LOOKED_UP = "words @@ (SELECT {} FROM asked)"
_HOLDS_ANY = f"coalesce({_LOOKED_UP.format('content')}, true)"
_COMPARED_BY_WORDS = _MATCHING.format(sooner="", matches=f"{_RELEVANCE} > 0 AND {_HOLDS_ANY}")
_TWO = _MATCHING.format(sooner="", matches=_LOOKED_UP.format("two"))
_ONE = _MATCHING.format(
    sooner="(SELECT hold_two FROM scarce) AND", matches=_LOOKED_UP.format("one")
)
_MORE = _MATCHING.format(
    sooner="(SELECT hold_one FROM none) AND", matches=_LOOKED_UP.format("more")
)
_BY_WORDS = """
    by_two AS MATERIALIZED ({two}),
    scarce AS (SELECT count(*) < %(pool)s AS hold_two FROM by_two),
    by_one AS MATERIALIZED ({one}),
    none AS (SELECT count(*) = 0 AND (SELECT hold_two FROM scarce) AS hold_one FROM by_one),
    by_more AS ({more}),
    matching AS (
        SELECT * FROM by_two WHERE NOT (SELECT hold_two FROM scarce)
        UNION ALL SELECT * FROM by_one UNION ALL SELECT * FROM by_more
    )
"""
_WORDED = """
    worded AS (
        SELECT id, row_number() OVER (ORDER BY relevance DESC, id) AS text_rank {document},
            relevance / greatest(max(relevance) OVER (), %(enough)s::float8) AS strength
        FROM matching
    )
"""
_BEST = "{found} ORDER BY {order} LIMIT %(pool)s"
_BEST_OF_EACH = """
    SELECT id, {measure}, document_id FROM (
        SELECT *, row_number() OVER (PARTITION BY document_id ORDER BY {order}, id) AS place
        FROM ({found}) found
    ) placed WHERE place <= %(each)s ORDER BY {order}, id LIMIT %(pool)s
"""
# LEFT JOIN: during a switch, what was found by words may not have its vector yet.
_OF_CHUNK = (
    f"LEFT JOIN {_VECTOR} vector ON vector.chunk_id = chunk.id AND vector.space_id = {{space}}"
)
_ORDER = "fusion DESC, vector_rank, text_rank"  # nulls last
_OF_ALL = f"best AS (SELECT * FROM fused ORDER BY {_ORDER}, id LIMIT %(most)s)"  # noqa: S608
_OF_EACH = f"""
    placed AS (
        SELECT *, row_number() OVER (PARTITION BY document_id ORDER BY {_ORDER}, id) AS place
        FROM fused
    ),
    firsts AS (
        SELECT document_id FROM placed WHERE place = 1 ORDER BY {_ORDER}, id LIMIT %(most)s
    ),
    best AS (SELECT * FROM placed JOIN firsts USING (document_id) WHERE place <= %(each)s)
"""  # noqa: S608
_EITHER_DOCUMENT = ", coalesce(near.document_id, worded.document_id) AS document_id"
_HITS = f"""
    {TOLD},
    fused AS (
        SELECT id, vector_rank, text_rank,
            {FUSION} AS fusion {{either_document}}
        FROM told CROSS JOIN (near FULL JOIN worded USING (id))
    ),
    {{best}}
    SELECT chunk.id, chunk.document_id, index, chunk.text, start, "end", page_start, page_end,
        headings, context, document.name AS document_name, document.language,
        vector_rank, text_rank, fusion::float8, {{distance}} AS distance, {{relevance}} AS relevance
    FROM best JOIN {_CHUNK} chunk ON chunk.id = best.id {{vectors}}
    JOIN {_DOCUMENT} document ON document.id = chunk.document_id
    ORDER BY {_ORDER}, chunk.id
"""  # noqa: S608


def statement(
    scope: Scope, extent: Extent, *, vector: bool, words: bool, grouped: bool = False
) -> str:
    """SQL for a search by meaning, by words or both; `grouped`: the best of each document."""
    space = int(extent.space.pk)
    parts = (
        _asked(vector=vector, words=words),
        *((_AMONG,) if scope.is_narrowed else ()),
        *_near(extent, vector=vector, grouped=grouped),
        *_worded(extent, words=words, grouped=grouped),
        _HITS,
    )
    values = {
        "best": _OF_EACH if grouped else _OF_ALL,
        "document": ", document_id" if grouped else "",
        "either_document": _EITHER_DOCUMENT if grouped else "",
        "of_documents": scope.of_documents,
        "of_chunks": scope.of_chunks,
        "of_vectors": f"space_id = {space} AND {scope.of_vectors}",
        "vectors": _OF_CHUNK.format(space=space) if vector else "",
        "distance": f"1 + ({_PRODUCT})" if vector else "NULL::float8",
        "relevance": _RELEVANCE if words else "NULL::float8",
        "dimensions": int(extent.space.dimensions),
    }
    return _filled("WITH " + ",".join(parts), values)


def _filled(sql: str, values: Mapping[str, object]) -> str:
    for name, value in values.items():
        sql = sql.replace(f"{{{name}}}", str(value))
    return sql


def _asked(*, vector: bool, words: bool) -> str:
    columns = [_VECTOR_ASKED] * vector + [_WORDS_ASKED] * words
    return _ASKED.format(", ".join(columns or ["NULL"]))


def _near(extent: Extent, *, vector: bool, grouped: bool) -> tuple[str, ...]:
    if not vector:
        return (_nothing("near", "vector_rank", "nearness"),)
    if extent.compares_vectors:
        return f"nearest AS ({_nearest(_ALL_COMPARED, grouped=grouped)})", _NEAR
    values = {
        "instead": _nearest(_ALL_COMPARED + _INSTEAD, grouped=grouped),
        "from_graph": _nearest(_FROM_GRAPH, grouped=True) if grouped else _FROM_GRAPH,
    }
    return _filled(_NEAREST_BY_GRAPH, values), _NEAR


def _worded(extent: Extent, *, words: bool, grouped: bool) -> tuple[str, ...]:
    if not words:
        return (_nothing("worded", "text_rank", "strength"),)
    if extent.compares_words:
        return f"matching AS ({_matching(_COMPARED_BY_WORDS, grouped=grouped)})", _WORDED
    ways = {"two": _TWO, "one": _ONE, "more": _MORE}
    found = {name: _matching(way, grouped=grouped) for name, way in ways.items()}
    return _filled(_BY_WORDS, found), _WORDED


def _nearest(found: str, *, grouped: bool) -> str:
    if grouped:
        return _filled(_BEST_OF_EACH, {"found": found, "measure": "product", "order": "product"})
    return _filled(_BEST, {"found": found, "order": _COMPARED})


def _matching(found: str, *, grouped: bool) -> str:
    if grouped:
        by_words = {"found": found, "measure": "relevance", "order": "relevance DESC"}
        return _filled(_BEST_OF_EACH, by_words)
    return _filled(_BEST, {"found": found, "order": f"{_RELEVANCE} DESC"})


def _nothing(name: str, rank: str, measure: str) -> str:
    return (
        f"{name} AS (SELECT NULL::uuid AS id, NULL::bigint AS {rank}, NULL::uuid AS document_id,"
        f" NULL::float8 AS {measure} WHERE false)"
    )
