"""The graph of a space's vectors, an HNSW index: built when a search needs it, not before.

To add a vector to a graph takes longer than all else that is written for it, and a search in few
chunks compares them all. So there is none until an owner has many.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, connection
from django.db.models import Sum

from documents.models import ChunkVector, Document, EmbeddingSpace

EXACT_UP_TO = 10_000  # chunks are compared one by one with a vector
NEEDED_FROM = EXACT_UP_TO // 2  # chunks of one owner: it should be there before they are too many
# Malkov and Yashunin, 2016: links of a node, and how many are looked at for them.
M, EF_CONSTRUCTION = 16, 128
BUILD_MEMORY = "512MB"  # else a graph that outgrows it is built three times as slowly
LOCK_ID = 0x67726170  # "grap"
_VECTORS = ChunkVector._meta.db_table
# Of length 1, so the inner product orders as the cosine does, in less time.
_GRAPH = f"""
    CREATE INDEX {{how}} {{name}} ON {_VECTORS}
    USING hnsw ((embedding::halfvec({{dimensions}})) halfvec_ip_ops)
    WITH (m = {M}, ef_construction = {EF_CONSTRUCTION}) WHERE space_id = {{space}}
"""


def name_of(space: EmbeddingSpace) -> str:
    """The name of the space's index."""
    return f"vector_graph_{space.pk}"


def are_needed() -> bool:
    """Whether an owner has so many chunks that a search will not compare them all."""
    of_owners = Document.objects.order_by().values("owner")
    return of_owners.annotate(held=Sum("chunk_count")).filter(held__gt=NEEDED_FROM).exists()


def ensure(space: EmbeddingSpace) -> None:
    """Build the space's graph beside whatever goes on, unless there is a valid one.

    Not in a transaction: Postgres looks at the table twice. Nothing while another process builds.
    """
    with _alone() as alone:
        if alone and not is_there(space):
            drop(space)  # what an interrupted attempt left
            build(space)


def is_there(space: EmbeddingSpace) -> bool:
    """Whether the space has a graph that may be used."""
    valid = "SELECT FROM pg_index WHERE indexrelid = to_regclass(%s) AND indisvalid"
    with connection.cursor() as cursor:
        cursor.execute(valid, [name_of(space)])
        return bool(cursor.rowcount)


def build(space: EmbeddingSpace, *, how: str = "CONCURRENTLY") -> None:
    """Build the space's graph, which must not be there; `how` is empty in a transaction."""
    what = {"name": name_of(space), "dimensions": int(space.dimensions), "space": int(space.pk)}
    with _patience(), connection.cursor() as cursor:
        cursor.execute(_GRAPH.format(how=how, **what))


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether nobody else builds a graph until the block ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_ID])
        (alone,) = cursor.fetchone()
        try:
            yield alone
        finally:
            with suppress(DatabaseError):  # a connection that broke holds none
                cursor.execute("SELECT pg_advisory_unlock(%s) WHERE %s", [LOCK_ID, alone])


@contextmanager
def _patience() -> Iterator[None]:
    """Time and memory for a large index, which also waits for a backup that has begun before."""
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
    """Remove the space's graph, if there is one; `how` likewise."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {how} IF EXISTS {name_of(space)}")


def drop_others(spaces: Iterable[EmbeddingSpace]) -> None:
    """In a transaction, remove the graphs of all spaces but these."""
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
