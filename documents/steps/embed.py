"""generate_embeddings: a vector for every passage, each batch stored as soon as it is paid for."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext_noop

from documents import spaces, usage, waits
from documents.copying import copying
from documents.embeddings.client import Vectors, embed_passages
from documents.exceptions import EmbeddingRefused, EmbeddingWait
from documents.models import Draft, EmbeddingSpace, KeptVector
from documents.spaces import CHUNKS, VECTORS
from documents.usage import OverBudget
from tasks import rows
from tasks.exceptions import StepPaused
from tasks.sentences import TRIES_AGAIN

DRAFTS = Draft._meta.db_table
Missing = dict[bytes, str]  # digest -> text to embed
Part = tuple[int, int]  # indexes of the first and the last draft
Embedded = tuple[Missing, Vectors, list[int]]  # a batch, its vectors, the tokens of each answer

# A text embedded before in this space, for any document of its owner, is not paid for again. Each
# has a subquery of its own: for a join, Postgres may read all drafts for every text.
KNOWN = f"""coalesce(
    (SELECT v.embedding::vector FROM {CHUNKS} chunk
        JOIN {VECTORS} v ON v.chunk_id = chunk.id AND v.space_id = %(space)s
        WHERE chunk.digest = lacking.digest LIMIT 1),
    (SELECT embedding FROM {DRAFTS} other WHERE other.digest = lacking.digest
        AND other.embedding IS NOT NULL AND other.space_id = %(space)s LIMIT 1),
    (SELECT kept.embedding::vector FROM {KeptVector._meta.db_table} kept
        WHERE kept.digest = lacking.digest AND kept.space_id = %(space)s)
)"""  # noqa: S608 - table names of our own, here and below
_WITHOUT = "(drafts.embedding IS NULL OR drafts.space_id IS DISTINCT FROM %(space)s)"
_LACKING = f"task_id = %(task)s AND index BETWEEN %(first)s AND %(last)s AND {_WITHOUT}"
_COUNT = f"""
    SELECT count(*), count(*) FILTER (WHERE {_WITHOUT}),
        coalesce(min(index) FILTER (WHERE {_WITHOUT}), 0),
        coalesce(max(index) FILTER (WHERE {_WITHOUT}), -1)
    FROM {DRAFTS} drafts WHERE task_id = %(task)s
"""  # noqa: S608
_MISSING = f"SELECT digest, context, text FROM {DRAFTS} drafts WHERE {_LACKING} ORDER BY index"  # noqa: S608
# Materialized, or each text is looked up once for every draft: Postgres may believe that a table
# which was just filled has one row.
_REUSE = f"""
    WITH known AS MATERIALIZED (
        SELECT digest, {KNOWN} AS embedding
        FROM (SELECT DISTINCT digest FROM {DRAFTS} drafts WHERE {_LACKING}) lacking
    )
    UPDATE {DRAFTS} drafts SET embedding = known.embedding, space_id = %(space)s FROM known
    WHERE drafts.digest = known.digest AND known.embedding IS NOT NULL AND {_LACKING}
"""  # noqa: S608
# Each connection has its own; it is emptied at the end of each transaction.
_RETURNED_VECTORS = """
    CREATE TEMPORARY TABLE IF NOT EXISTS returned_vectors (digest bytea, embedding vector)
    ON COMMIT DELETE ROWS
"""
_COPY = "COPY returned_vectors (digest, embedding) FROM STDIN (FORMAT BINARY)"
_KEEP = f"""
    WITH returned AS (DELETE FROM returned_vectors RETURNING digest, embedding)
    UPDATE {DRAFTS} drafts SET embedding = returned.embedding, space_id = %(space)s FROM returned
    WHERE drafts.task_id = %(task)s AND drafts.digest = returned.digest
"""  # noqa: S608
DIGEST_BYTES = 32
BATCHES = 16  # read at a time: bounds memory, and what a turn reads without embedding it
OVER_BUDGET = gettext_noop(
    "Today's token budget is used up. This continues by itself at midnight UTC."
)


def embed_drafts(
    task_id: UUID,
    document_id: UUID,
    *,
    report: Callable[[int, int, int], None],
    seconds_left: Callable[[], float],
    should_stop: Callable[[], bool],
) -> tuple[int, int]:
    """Get and store the vectors that the task's drafts still lack.

    `report(done, total, asked)` gets the number of drafts that have a vector, of all drafts, and of
    vectors asked of the endpoint. Returns the latter two. Raises StepPaused when the endpoint must
    not be asked now or this turn is used up: stored vectors stay.
    """
    space = spaces.active()
    total, lacking, parts = _count(task_id, space)
    done = had = total - lacking
    asked = 0
    report(done, total, asked)
    for part in parts:
        done += _reuse(task_id, space, part)
        report(done, total, asked)
        for batch in batches(_missing(task_id, space, part)):
            if done > had and seconds_left() <= 0:  # at least one batch per turn
                raise StepPaused(progressed=True)
            if over := usage.over_budget(document_id):
                raise _over_budget(over)
            try:
                for come in embedded(space, batch, should_stop):
                    done += _keep(task_id, document_id, space, come)
                    asked += len(come[0])
                    report(done, total, asked)
            except EmbeddingWait as error:
                raise paused(space, error, progressed=done > had) from error
    return total, asked


def embedded_text(context: str, text: str) -> str:
    """What is embedded of a passage: its context (headings, table header), then its text."""
    return f"{context}\n{text}" if context else text


def text_digest(context: str, text: str) -> bytes:
    """The SHA-256 of what is embedded."""
    return hashlib.sha256(embedded_text(context, text).encode()).digest()


def digest(text_digest: bytes, owner_id: int) -> bytes:
    """The key under which a vector is reused, 32 bytes: the text and its owner. Only the text with
    EMBEDDING_REUSE_ACROSS_OWNERS, which lets people guess what others have."""
    if settings.EMBEDDING_REUSE_ACROSS_OWNERS:
        return text_digest
    return hashlib.sha256(b"%d:%b" % (owner_id, text_digest)).digest()


def _count(task_id: UUID, space: EmbeddingSpace) -> tuple[int, int, list[Part]]:
    """How many drafts the task has, how many lack a vector of the space, and the parts to read."""
    total, lacking, first, last = rows.row(_COUNT, {"task": task_id, "space": space.pk})
    return total, lacking, _parts(first, last)


def _parts(first: int, last: int) -> list[Part]:
    size = BATCHES * settings.EMBEDDING_BATCH_SIZE
    return [(at, min(at + size - 1, last)) for at in range(first, last + 1, size)]


def _reuse(task_id: UUID, space: EmbeddingSpace, part: Part) -> int:
    first, last = part
    values = {"task": task_id, "space": space.pk, "first": first, "last": last}
    return rows.change_many(_REUSE, values)


def _missing(task_id: UUID, space: EmbeddingSpace, part: Part) -> Missing:
    first, last = part
    with connection.cursor() as cursor:
        cursor.execute(_MISSING, {"task": task_id, "space": space.pk, "first": first, "last": last})
        return {bytes(digest): embedded_text(*said) for digest, *said in cursor.fetchall()}


def batches(missing: Missing) -> Iterator[Missing]:
    """The texts of one request at a time."""
    items = list(missing.items())
    for at in range(0, len(items), settings.EMBEDDING_BATCH_SIZE):
        yield dict(items[at : at + settings.EMBEDDING_BATCH_SIZE])


def embedded(
    space: EmbeddingSpace, batch: Missing, should_stop: Callable[[], bool]
) -> Iterator[Embedded]:
    """Embed the batch; if it is refused, perhaps as too long, embed its halves.

    Raises EmbeddingRefused for a single text that is refused, after yielding those before it.
    """
    tokens: list[int] = []
    try:
        vectors = embed_passages(
            list(batch.values()), space=space, should_stop=should_stop, spent=tokens.append
        )
    except EmbeddingRefused:
        if len(batch) == 1:
            raise
        items = list(batch.items())
        middle = len(items) // 2
        yield from embedded(space, dict(items[:middle]), should_stop)
        yield from embedded(space, dict(items[middle:]), should_stop)
    else:
        yield batch, vectors, tokens


def _over_budget(over: OverBudget) -> StepPaused:
    waits_for = waits.for_tokens(over.owner_id)
    return StepPaused(over.seconds, OVER_BUDGET, code="daily_budget", waits_for=waits_for)


def paused(space: EmbeddingSpace, error: EmbeddingWait, *, progressed: bool) -> StepPaused:
    """The pause until the endpoint may be asked again."""
    why, waits_for = TRIES_AGAIN.format(sentence=error.message), waits.for_endpoint(space)
    return StepPaused(
        waits.LONGEST_SECONDS, why, code=error.code, waits_for=waits_for, progressed=progressed
    )


def _keep(task_id: UUID, document_id: UUID, space: EmbeddingSpace, come: Embedded) -> int:
    """Store the vectors on their drafts; how many drafts (several may have the same text)."""
    batch, vectors, tokens = come
    with transaction.atomic(), returned_vectors(batch, vectors) as cursor:
        cursor.execute(_KEEP, {"task": task_id, "space": space.pk})
        kept = int(cursor.rowcount)
        usage.add_for(document_id, tokens=sum(tokens), requests=len(tokens))
        return kept


@contextmanager
def returned_vectors(batch: Missing, vectors: Vectors) -> Iterator[CursorWrapper]:
    """A cursor whose transaction has the vectors in a temporary table, `returned_vectors`."""
    with connection.cursor() as cursor:
        cursor.execute(_RETURNED_VECTORS)
        with copying(_COPY) as rows:
            rows.write(_binary_rows(list(batch), vectors))
        yield cursor


def _binary_rows(digests: list[bytes], vectors: Vectors) -> bytes:
    """COPY's binary format: a header, rows of two values, each preceded by its size, and a trailer.

    See "COPY" in the Postgres manual, and `vector_recv` in pgvector's vector.c.
    """
    dimensions = vectors.shape[1]
    layout = [
        ("values", ">i2"), ("digest_bytes", ">i4"), ("digest", f"S{DIGEST_BYTES}"),
        ("vector_bytes", ">i4"), ("dimensions", ">i2"), ("unused", ">i2"),
        ("vector", ">f4", (dimensions,)),
    ]  # fmt: skip
    rows = np.zeros(len(vectors), layout)
    rows["values"], rows["dimensions"] = 2, dimensions
    rows["digest_bytes"], rows["vector_bytes"] = DIGEST_BYTES, 4 + 4 * dimensions
    rows["digest"], rows["vector"] = digests, vectors
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"
