"""The steps of a switch: give every chunk a vector of the next space, then search that one."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from documents import graphs, spaces, usage
from documents.embeddings.client import Vectors
from documents.exceptions import EmbeddingRefused, EmbeddingWait, PassageRefused
from documents.models import Chunk, ChunkVector, EmbeddingSpace
from documents.spaces import CHUNKS, LACKING, VECTORS
from documents.steps.embed import (
    KNOWN,
    Missing,
    batches,
    embedded,
    embedded_text,
    paused,
    returned_vectors,
)
from tasks.exceptions import StepPaused

ROWS = 500  # read, and deleted, at a time
# A search that began before the switch may use the old vectors for so long.
GRACE = timedelta(seconds=60)
STILL_USED = gettext_noop("Waiting for searches that began before the switch.")
_NEXT = (
    LACKING.format(what="id, digest, context, text")
    + " AND id > %(after)s ORDER BY id LIMIT %(rows)s"
)
# Chunk and space are locked, so that they are not deleted before they are referenced. A chunk that
# is being deleted is skipped: waiting for it while holding others of its document is a deadlock.
_ADD = f"""
    WITH lacking AS (
        SELECT chunk.id, owner_id, document_id, digest FROM {CHUNKS} chunk
        JOIN {EmbeddingSpace._meta.db_table} space ON space.id = %(space)s
        WHERE chunk.id = ANY (%(ids)s) FOR KEY SHARE SKIP LOCKED
    )
    INSERT INTO {VECTORS} (chunk_id, space_id, owner_id, document_id, embedding)
    SELECT id, %(space)s, owner_id, document_id, {{embedding}} FROM lacking {{returned}}
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - table names of our own, here and below
_KEEP = _ADD.format(
    embedding="l2_normalize(returned.embedding)::halfvec",
    returned="JOIN returned_vectors returned USING (digest)",
)
_REUSE = _ADD.format(
    embedding="known.embedding::halfvec",
    returned=f"CROSS JOIN LATERAL (SELECT {KNOWN} AS embedding) known"
    " WHERE known.embedding IS NOT NULL",
)
_REMOVE = f"""
    DELETE FROM {VECTORS} WHERE (chunk_id, space_id) IN (
        SELECT chunk_id, space_id FROM {VECTORS} WHERE space_id = %s LIMIT {ROWS}
    )
"""  # noqa: S608


def embed_chunks(
    space: EmbeddingSpace,
    payer_id: int,
    *,
    report: Callable[[int, int], None],
    seconds_left: Callable[[], float],
    should_stop: Callable[[], bool],
) -> int:
    """Give every chunk that lacks one a vector of `space`; returns the number of chunks.

    Tokens are charged to `payer_id`. Raises StepPaused when this turn is used up or the endpoint
    must not be asked now, PassageRefused for a text that it refuses: stored vectors stay.
    """
    if graphs.are_needed():
        graphs.ensure(space)
    total, had = Chunk.objects.count(), ChunkVector.objects.filter(space=space).count()
    done = had
    report(done, total)
    after = UUID(int=0)
    while rows := _next(space, after):
        for batch in batches(_reused(space, rows)):
            if done > had and seconds_left() <= 0:
                raise StepPaused(progressed=True)
            try:
                for part, vectors, tokens in embedded(space, batch, should_stop):
                    done += _keep(space, payer_id, rows, part, vectors, tokens)
                    report(done, max(total, done))
            except EmbeddingWait as error:
                raise paused(space, error, progressed=done > had) from error
            except EmbeddingRefused as error:
                raise _refused(space, rows) from error
        after = max(rows)
    return total


Rows = dict[UUID, tuple[bytes, str]]  # chunk -> digest, text to embed


def _next(space: EmbeddingSpace, after: UUID) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, {"space": space.pk, "after": after, "rows": ROWS})
        return {
            pk: (bytes(digest), embedded_text(context, text))
            for pk, digest, context, text in cursor.fetchall()
        }


def _reused(space: EmbeddingSpace, rows: Rows) -> Missing:
    """Store the vectors that are known already; the texts that are still missing."""
    with connection.cursor() as cursor:
        cursor.execute(_REUSE, {"space": space.pk, "ids": list(rows)})
    left = _lacking(space, rows)
    return {digest: text for pk, (digest, text) in rows.items() if pk in left}


def _lacking(space: EmbeddingSpace, rows: Rows) -> set[UUID]:
    having = ChunkVector.objects.filter(space=space, chunk__in=list(rows))
    return set(rows) - set(having.values_list("chunk_id", flat=True))


def _keep(
    space: EmbeddingSpace,
    payer_id: int,
    rows: Rows,
    part: Missing,
    vectors: Vectors,
    tokens: list[int],
) -> int:
    with transaction.atomic(), returned_vectors(part, vectors) as cursor:
        cursor.execute(_KEEP, {"space": space.pk, "ids": list(rows)})
        kept = int(cursor.rowcount)
        usage.add(payer_id, tokens=sum(tokens), requests=len(tokens))
        return kept


def _refused(space: EmbeddingSpace, rows: Rows) -> PassageRefused:
    """The error that names the refused passage: the first one that still lacks a vector."""
    lacking = Chunk.objects.filter(pk__in=_lacking(space, rows)).order_by("pk").first()
    if lacking is None:  # deleted meanwhile
        return PassageRefused(index="?", document="?")
    return PassageRefused(index=lacking.index, document=lacking.document_id)


def switch(space: EmbeddingSpace) -> None:
    """Let all searches use `space` from this commit on. Raises StepPaused if a chunk, stored just
    now, lacks its vector; it gets one in the next turn."""
    if not spaces.switch_to(space):
        raise StepPaused(progressed=True)


def remove_retired(*, report: Callable[[int, int], None], seconds_left: Callable[[], float]) -> int:
    """Delete the vectors of spaces that are no longer searched; how many."""
    removed = 0
    for space in EmbeddingSpace.objects.filter(state=spaces.State.RETIRED):
        _wait_for_searches(space)
        graphs.drop(space)
        total = ChunkVector.objects.filter(space=space).count()
        removed += _remove(space, total, report, seconds_left)
        space.delete()
    return removed


def _wait_for_searches(space: EmbeddingSpace) -> None:
    if space.switched_at is None:
        return
    left = (space.switched_at + GRACE - timezone.now()).total_seconds()
    if left > 0:
        raise StepPaused(left, STILL_USED)


def _remove(
    space: EmbeddingSpace,
    total: int,
    report: Callable[[int, int], None],
    seconds_left: Callable[[], float],
) -> int:
    removed = 0
    with connection.cursor() as cursor:
        while True:
            cursor.execute(_REMOVE, [space.pk])
            if not cursor.rowcount:
                return removed
            removed += cursor.rowcount
            report(removed, total)
            if seconds_left() <= 0:
                raise StepPaused(progressed=True)
