"""Embedding spaces: which one is searched, which one is being filled.

A space is a row. The first one is made from the settings along with the database; after that the
row counts, not the settings, and `manage.py embeddings switch` changes it.
"""

from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from documents import graphs
from documents.models import Chunk, ChunkVector, Draft, EmbeddingSpace, KeptVector
from tasks import rows

State = EmbeddingSpace.State
VECTORS, CHUNKS = ChunkVector._meta.db_table, Chunk._meta.db_table
_NAMED_BY_SETTINGS = (
    "passage_model", "query_model", "dimensions", "passage_prefix", "query_prefix",
)  # fmt: skip
_ACTIVE = f"""
    SELECT {rows.columns(EmbeddingSpace)} FROM {EmbeddingSpace._meta.db_table}
    WHERE state = '{State.ACTIVE}'
"""  # noqa: S608
_HELD = f"{_ACTIVE} FOR SHARE"
LACKING = f"""
    SELECT {{what}} FROM {CHUNKS} chunk WHERE NOT EXISTS (
        SELECT FROM {VECTORS} v WHERE v.chunk_id = chunk.id AND v.space_id = %(space)s
    )
"""  # noqa: S608
# Only in spaces that are not deleted before the end of the transaction: some of the vectors of one
# that was given up may still be there.
_KEEP = f"""
    WITH space AS (
        SELECT id FROM {EmbeddingSpace._meta.db_table} WHERE state <> '{State.RETIRED}'
        FOR KEY SHARE
    )
    INSERT INTO {KeptVector._meta.db_table} (space_id, digest, embedding)
    SELECT DISTINCT ON (space_id, digest) space_id, digest, embedding FROM (
        SELECT v.space_id, chunk.digest, v.embedding FROM {VECTORS} v
        JOIN {CHUNKS} chunk ON chunk.id = v.chunk_id WHERE v.document_id = %(document)s
        UNION ALL
        SELECT space_id, digest, embedding::halfvec FROM {Draft._meta.db_table}
        WHERE document_id = %(document)s AND embedding IS NOT NULL
    ) gone WHERE space_id IN (SELECT id FROM space)
    ON CONFLICT (space_id, digest) DO UPDATE SET kept_at = now()
"""  # noqa: S608
_EXPIRED = f"""
    DELETE FROM {KeptVector._meta.db_table} WHERE kept_at <= now() - make_interval(days => %s)
"""  # noqa: S608


def of_settings() -> EmbeddingSpace:
    """The space that the settings describe, unsaved."""
    return EmbeddingSpace(
        passage_model=settings.EMBEDDING_PASSAGE_MODEL,
        query_model=settings.EMBEDDING_QUERY_MODEL,
        dimensions=settings.EMBEDDING_DIMENSIONS,
        passage_prefix=settings.EMBEDDING_PASSAGE_PREFIX,
        query_prefix=settings.EMBEDDING_QUERY_PREFIX,
    )


def differences(one: EmbeddingSpace, other: EmbeddingSpace) -> list[str]:
    """The fields that make their vectors incomparable. Not the address, which may change."""
    return [name for name in _NAMED_BY_SETTINGS if getattr(one, name) != getattr(other, name)]


def are_alike(one: EmbeddingSpace, other: EmbeddingSpace) -> bool:
    """Whether vectors of both can be compared."""
    return not differences(one, other)


def active() -> EmbeddingSpace:
    """The space that is searched."""
    if space := rows.first(EmbeddingSpace, _ACTIVE, {}):
        return space
    raise EmbeddingSpace.DoesNotExist


def building() -> EmbeddingSpace | None:
    """The space that a switch is filling."""
    return EmbeddingSpace.objects.filter(state=State.BUILDING).first()


def held() -> EmbeddingSpace:
    """The active space, locked in shared mode: it stays active until the transaction ends."""
    while True:
        if space := rows.first(EmbeddingSpace, _HELD, {}):
            return space
        # Switched while we waited: Postgres rechecked the old row and did not look for a new one.


def lock() -> EmbeddingSpace:
    """The active space, locked exclusively: only this transaction may change spaces."""
    return EmbeddingSpace.objects.select_for_update().get(state=State.ACTIVE)


@transaction.atomic
def adopt_settings() -> None:
    """Make the first space from the settings, or replace an unused one."""
    found = EmbeddingSpace.objects.filter(state=State.ACTIVE).first()
    wanted = of_settings()
    if found and not are_alike(found, wanted) and not _is_used(found):
        graphs.drop(found, how="")
        found.delete()
        found = None
    if found is None:
        wanted.state = State.ACTIVE
        wanted.save()
    _remove_strays()


def _is_used(space: EmbeddingSpace) -> bool:
    held = (model.objects.filter(space=space) for model in (ChunkVector, Draft, KeptVector))
    return space.base_url != "" or any(rows.exists() for rows in held)


def switch_to(space: EmbeddingSpace) -> bool:
    """Make `space` the active one; False if a chunk still lacks a vector of it.

    Call it in a transaction. It waits for steps that are storing chunks, and they wait for it.
    """
    before = lock()
    if lacks_vectors(space):
        return False
    for pk, state in ((before.pk, State.RETIRED), (space.pk, State.ACTIVE)):
        EmbeddingSpace.objects.filter(pk=pk).update(state=state, switched_at=Now())
    return True


def lacks_vectors(space: EmbeddingSpace) -> bool:
    """Whether a chunk has no vector of the space yet."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS ({LACKING.format(what='')})", {"space": space.pk})
        return bool(cursor.fetchone()[0])


def _remove_strays() -> None:
    """Remove vectors and indexes of spaces that no longer exist: a process may have died after it
    deleted the row, and emptying the table does not drop its indexes."""
    ChunkVector.objects.exclude(space__in=EmbeddingSpace.objects.all()).delete()
    graphs.drop_others(EmbeddingSpace.objects.all())


# --- Vectors whose chunks are gone ----------------------------------------------------------------
def keep_vectors_of(document_id: Any) -> None:
    """Call before its chunks are deleted. Does nothing unless EMBEDDING_CACHE_DAYS is set."""
    if not settings.EMBEDDING_CACHE_DAYS:
        return
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, {"document": document_id})


def forget_expired() -> int:
    """Delete kept vectors older than EMBEDDING_CACHE_DAYS; how many."""
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRED, [settings.EMBEDDING_CACHE_DAYS])
        return int(cursor.rowcount)
