"""generate_embeddings: a vector for every passage, keeping each batch as soon as it is paid for."""

import hashlib
import random
from collections.abc import Callable, Iterator
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from pgvector import Vector

from documents.embeddings import embed_passages
from documents.exceptions import EmbeddingRefused, EmbeddingWait
from documents.models import Chunk, Draft
from tasks.exceptions import StepPaused

Missing = dict[bytes, str]  # digest -> what is embedded

# A text that this model has embedded before, for whatever document, is not paid for again.
_REUSE = f"""
    UPDATE {Draft._meta.db_table} drafts SET embedding = known.embedding
    FROM (
        SELECT digest, embedding FROM {Chunk._meta.db_table}
        UNION ALL
        SELECT digest, embedding FROM {Draft._meta.db_table} WHERE embedding IS NOT NULL
    ) known
    WHERE drafts.task_id = %s AND drafts.embedding IS NULL AND known.digest = drafts.digest
"""  # noqa: S608 - table names of our own
_KEEP = f"""
    UPDATE {Draft._meta.db_table} SET embedding = %s WHERE task_id = %s AND digest = %s
"""  # noqa: S608


def embed_drafts(
    task_id: UUID,
    *,
    report: Callable[[int, int], None],
    seconds_left: Callable[[], float],
    should_stop: Callable[[], bool],
) -> tuple[int, int]:
    """Get and keep the vectors that the task's drafts still lack.

    Returns how many drafts there are and how many vectors were asked for. Raises StepPaused when
    it is not the time to ask the endpoint or this turn is used up: what came stays.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REUSE, [task_id])
    drafts = Draft.objects.filter(task_id=task_id)
    total, lacking, missing = (
        drafts.count(),
        drafts.filter(embedding=None).count(),
        _missing(task_id),
    )
    done = total - lacking
    report(done, total)
    for batch in _batches(missing):
        if seconds_left() <= 0:
            raise StepPaused(progressed=done > total - lacking)
        try:
            for part, vectors in _embed(batch, should_stop):
                done += _keep(task_id, part, vectors)
                report(done, total)
        except EmbeddingWait as error:
            raise _paused(error, progressed=done > total - lacking) from error
    return total, len(missing)


def embedded_text(context: str, text: str) -> str:
    """What the model sees of a passage: where it stands, then what it says."""
    return f"{context}\n{text}" if context else text


def digest(context: str, text: str) -> bytes:
    """Names a vector: 32 bytes, of the model and of what it sees."""
    seen = f"{settings.EMBEDDING_PASSAGE_MODEL}\0{embedded_text(context, text)}"
    return hashlib.sha256(seen.encode()).digest()


def _missing(task_id: UUID) -> Missing:
    drafts = Draft.objects.filter(task_id=task_id, embedding=None).order_by("index")
    rows = drafts.values_list("digest", "context", "text")
    return {bytes(digest): embedded_text(context, text) for digest, context, text in rows}


def _batches(missing: Missing) -> Iterator[Missing]:
    items = list(missing.items())
    for at in range(0, len(items), settings.EMBEDDING_BATCH_SIZE):
        yield dict(items[at : at + settings.EMBEDDING_BATCH_SIZE])


def _embed(
    batch: Missing, should_stop: Callable[[], bool]
) -> Iterator[tuple[Missing, list[list[float]]]]:
    """The batch with its vectors, in halves where the endpoint refuses it: it may be too long.

    Raises EmbeddingRefused for a text that is refused alone, after what went well before it.
    """
    try:
        vectors = embed_passages(list(batch.values()), should_stop=should_stop)
    except EmbeddingRefused:
        if len(batch) == 1:
            raise
        items = list(batch.items())
        middle = len(items) // 2
        yield from _embed(dict(items[:middle]), should_stop)
        yield from _embed(dict(items[middle:]), should_stop)
    else:
        yield batch, vectors


def _paused(error: EmbeddingWait, *, progressed: bool) -> StepPaused:
    """Later, but not all at the same time."""
    seconds = (error.retry_after or 0) + random.uniform(0, error.jitter)  # noqa: S311
    return StepPaused(seconds, f"{error.message} We try again by ourselves.", progressed=progressed)


def _keep(task_id: UUID, batch: Missing, vectors: list[list[float]]) -> int:
    """Write the vectors on their drafts; how many drafts (a text may stand in several)."""
    rows = [
        (Vector(vector).to_text(), task_id, name)
        for name, vector in zip(batch, vectors, strict=True)
    ]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(_KEEP, rows)
        return int(cursor.rowcount)
