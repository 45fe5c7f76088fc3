"""The HNSW index ("graph") of a space's vectors, built only when searches need it.

Adding a vector to the graph takes longer than all other writes for it, and a search in few chunks
compares them all anyway. So there is no graph until an owner has many.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, connection
from django.db.models import Sum

from documents.models import ChunkVector, Document, EmbeddingSpace

EXACT_UP_TO = 10_000  # up to so many chunks are compared one by one with a vector
NEEDED_FROM = EXACT_UP_TO // 2  # chunks of one owner; half, so that it is ready in time
# Malkov and Yashunin, 2016: links per node, and candidates considered for them.
M, EF_CONSTRUCTION = 16, 128
BUILD_MEMORY = "512MB"  # a graph that does not fit takes three times as long to build
LOCK_ID = 0x67726170  # "grap"
_VECTORS = ChunkVector._meta.db_table
# Vectors have length 1, so the inner product orders like the cosine, and is faster.
_GRAPH = f"""
    CREATE INDEX {{how}} {{name}} ON {_VECTORS}
    USING hnsw ((embedding::halfvec({{dimensions}})) halfvec_ip_ops)
    WITH (m = {M}, ef_construction = {EF_CONSTRUCTION}) WHERE space_id = {{space}}
"""


def name_of(space: EmbeddingSpace) -> str:
    """The name of the space's index."""
    return f"vector_graph_{space.pk}"


def are_needed() -> bool:
    """Whether an owner has, or will soon have, too many chunks to compare them all."""
    of_owners = Document.objects.order_by().values("owner")
    return of_owners.annotate(held=Sum("chunk_count")).filter(held__gt=NEEDED_FROM).exists()


def ensure(space: EmbeddingSpace) -> None:
    """Build the space's graph without blocking others, unless there is a valid one.

    Not in a transaction, as CREATE INDEX CONCURRENTLY demands. Does nothing while another process
    builds one.
    """
    with _alone() as alone:
        if alone and not is_there(space):
            drop(space)  # an interrupted attempt leaves an invalid index
            build(space)


def is_there(space: EmbeddingSpace) -> bool:
    """Whether the space has a valid graph."""
    valid = "SELECT FROM pg_index WHERE indexrelid = to_regclass(%s) AND indisvalid"
    with connection.cursor() as cursor:
        cursor.execute(valid, [name_of(space)])
        return bool(cursor.rowcount)


def build(space: EmbeddingSpace, *, how: str = "CONCURRENTLY") -> None:
    """Build the space's graph, which must not exist; pass `how=""` in a transaction."""
    what = {"name": name_of(space), "dimensions": int(space.dimensions), "space": int(space.pk)}
    with _patience(), connection.cursor() as cursor:
        cursor.execute(_GRAPH.format(how=how, **what))


@contextmanager
def _alone() -> Iterator[bool]:
    """Hold the lock for building graphs; yields whether we got it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_ID])
        (alone,) = cursor.fetchone()
        try:
            yield alone
        finally:
            with suppress(DatabaseError):  # a broken connection holds no lock
                cursor.execute("SELECT pg_advisory_unlock(%s) WHERE %s", [LOCK_ID, alone])


@contextmanager
def _patience() -> Iterator[None]:
    """Allow the time and memory that a large index needs, also to wait for a running backup."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0; SET lock_timeout = 0")
        cursor.execute(f"SET maintenance_work_mem = '{BUILD_MEMORY}'")
        try:
            yield
        finally:
            with suppress(DatabaseError):  # likewise
                for name in ("statement_timeout", "lock_timeout", "maintenance_work_mem"):
                    cursor.execute(f"RESET {name}")


def drop(space: EmbeddingSpace, *, how: str = "CONCURRENTLY") -> None:
    """Remove the space's graph, if there is one; `how` as for `build`."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {how} IF EXISTS {name_of(space)}")


def drop_others(spaces: Iterable[EmbeddingSpace]) -> None:
    """Remove the graphs of all spaces but these. Call it in a transaction."""
    known = {name_of(space) for space in spaces}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = %s"
            " AND indexname LIKE 'vector\\_graph\\_%%'",
            [_VECTORS],
        )
        for (name,) in cursor.fetchall():
            if name not in known:
                cursor.execute(f'DROP INDEX IF EXISTS "{name}"')
