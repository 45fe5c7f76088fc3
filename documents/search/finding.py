"""Runs the search statement and makes hits of its rows."""

from typing import Any, Literal

from documents import words
from documents.embeddings.client import Vector
from documents.models import Chunk, Document
from documents.search.extent import Extent
from documents.search.fusion import ENOUGH
from documents.search.hits import Explanation, Hit
from documents.search.question import Question
from documents.search.running import rows
from documents.search.scope import Scope
from documents.search.statement import statement
from documents.search.vectors import question_vector

Mode = Literal["hybrid", "vector", "text"]
NEAR_OF_EACH = 1_000  # nearest vectors taken from the graph when hits are grouped by document
_OF_CHUNK = (
    "id", "document_id", "index", "text", "start", "end", "page_start", "page_end", "headings",
    "context",
)  # fmt: skip
_OF_DOCUMENT = ("id", "name", "language")


def find(
    scope: Scope,
    extent: Extent,
    query: str,
    question: Question,
    mode: Mode,
    *,
    pool: int,
    most: int,
    each: int = 0,
) -> list[Hit]:
    """The `most` best chunks of the scope, best first, from the `pool` best of each way.

    With `each`, the best chunks of the `most` best documents instead, at most `each` of one.
    """
    by_meaning, by_words = mode != "text", mode != "vector" and bool(question.words)
    parameters = {
        **scope.parameters, **question.lookups(extent.read_by_words),
        "weights": question.sparse, "enough": question.full * ENOUGH,
        "meaning": float(not words.is_exact(query)),
        "pool": pool, "most": most, "each": each, "near": max(pool, NEAR_OF_EACH) if each else pool,
    }  # fmt: skip
    if by_meaning:
        vector = question_vector(query, extent.space, owner_id=scope.owner_id)
        parameters["vector"] = _literal(vector)
    sql = statement(scope, extent, vector=by_meaning, words=by_words, grouped=bool(each))
    return [_hit(row, question, mode) for row in rows(sql, parameters)]


def _hit(row: dict[str, Any], question: Question, mode: Mode) -> Hit:
    chunk = Chunk.from_db("default", _OF_CHUNK, [row[name] for name in _OF_CHUNK])
    return Hit(
        chunk=chunk,
        document=Document.from_db(
            "default", _OF_DOCUMENT, [row["document_id"], row["document_name"], row["language"]]
        ),
        score=_score(row, question, mode),
        explanation=Explanation(**{name: row[name] for name in Explanation.__dataclass_fields__}),
    )


def _score(row: dict[str, Any], question: Question, mode: Mode) -> float:
    match mode:
        case "vector":
            return 1 - float(row["distance"])
        case "text":
            return min(1.0, float(row["relevance"]) / question.full)
    return min(1.0, float(row["fusion"]))


def _literal(vector: Vector) -> str:
    """A `halfvec` literal. Five digits distinguish all half-precision numbers."""
    return f"[{','.join(f'{value:.5g}' for value in vector.tolist())}]"
