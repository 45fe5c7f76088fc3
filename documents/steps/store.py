"""store_vectors: a document's new chunks replace its old ones, all of them or none."""

from uuid import UUID

from documents import spaces, usage
from documents.exceptions import VectorsIncomplete
from documents.models import (
    Chunk,
    ChunkVector,
    Document,
    Draft,
    EmbeddingSpace,
    Extraction,
)
from tasks import rows
from tasks.exceptions import StepPaused

_COLUMNS = """
    document_id, index, text, start, "end", page_start, page_end, headings, context,
    digest, words, weights
"""
# Text and vectors are in Postgres already: nothing is read into the worker.
_OF_TASK = f"""
    FROM {Draft._meta.db_table} draft JOIN {Document._meta.db_table} document
        ON document.id = document_id
    WHERE task_id = %(task)s
"""
_CHUNKS = f"""
    INSERT INTO {Chunk._meta.db_table} (id, owner_id, {_COLUMNS})
    SELECT chunk_id, owner_id, {_COLUMNS} {_OF_TASK}
"""
_VECTORS = f"""
    INSERT INTO {ChunkVector._meta.db_table} (chunk_id, space_id, owner_id, document_id, embedding)
    SELECT chunk_id, space_id, owner_id, document_id, l2_normalize(embedding) {_OF_TASK}
        AND embedding IS NOT NULL AND space_id = %(space)s
"""
# Vectors of the space that a switch is filling: new chunks get those of the same texts back. Each
# connection has a table of its own, which is emptied at the end of each transaction.
_PLACE_ASIDE = """
    CREATE TEMPORARY TABLE IF NOT EXISTS vectors_aside (
        digest bytea, space_id bigint, embedding halfvec
    ) ON COMMIT DELETE ROWS
"""
_ASIDE = f"""
    INSERT INTO vectors_aside SELECT DISTINCT ON (digest) digest, space_id, embedding
    FROM {ChunkVector._meta.db_table} v JOIN {Chunk._meta.db_table} chunk ON chunk.id = chunk_id
    WHERE v.document_id = %(document)s AND space_id = %(space)s
"""  # noqa: S608 - names of our own, here and below
_BACK = f"""
    INSERT INTO {ChunkVector._meta.db_table} (chunk_id, space_id, owner_id, document_id, embedding)
    SELECT id, space_id, owner_id, document_id, embedding
    FROM {Chunk._meta.db_table} JOIN vectors_aside USING (digest)
    WHERE document_id = %(document)s
"""  # noqa: S608
# Raw SQL: Django would read the rows that it deletes, and a text may be a book.
_REMOVE = "DELETE FROM {table} WHERE document_id = %(document)s"
_CURRENT = f"""
    UPDATE {Document._meta.db_table} document
    SET chunk_count = %(stored)s, extraction_id = extraction.id, word_rules = (
        SELECT min(word_rules) FROM {Draft._meta.db_table} WHERE task_id = %(task)s
    )
    FROM {Extraction._meta.db_table} extraction
    WHERE document.id = %(document)s AND extraction.task_id = %(task)s
"""  # noqa: S608
_OUTDATED = f"""
    DELETE FROM {Extraction._meta.db_table}
    WHERE document_id = %(document)s AND task_id <> %(task)s
"""  # noqa: S608


def replace_chunks(document_id: UUID, task_id: UUID) -> int:
    """Replace the document's chunks by the task's drafts and their vectors; how many.

    Call it in a transaction. Raises VectorsIncomplete, which rolls it back, if there are no drafts
    or one lacks its vector; StepPaused if their vectors are not of the active space.
    """
    space = spaces.held()
    spaces.keep_vectors_of(document_id)
    is_filling = _set_aside(document_id)
    rows.change_many(_REMOVE.format(table=Chunk._meta.db_table), {"document": document_id})
    chunks, vectors = _insert(task_id, space)
    if vectors != chunks or not chunks:
        drafts = Draft.objects.filter(task_id=task_id)
        if drafts.exclude(embedding=None).exclude(space=space).exists():
            raise StepPaused  # the space was switched a moment ago
        raise VectorsIncomplete(stored=vectors, expected=chunks)
    if is_filling:
        rows.change_many(_BACK, {"document": document_id})
    _make_current(document_id, task_id, chunks)
    usage.add_for(document_id, chunks=chunks)
    return chunks


def _set_aside(document_id: UUID) -> bool:
    """Whether a switch is filling a space; if so, the document's vectors in it are set aside."""
    if space := spaces.building():
        rows.change(_PLACE_ASIDE, {})
        rows.change_many(_ASIDE, {"document": document_id, "space": space.pk})
    return space is not None


def _insert(task_id: UUID, space: EmbeddingSpace) -> tuple[int, int]:
    """The numbers of chunks and of vectors inserted."""
    values = {"task": task_id, "space": space.pk}
    rows.change("SET LOCAL statement_timeout = 0", {})  # a book into a large index may take long
    return rows.change_many(_CHUNKS, values), rows.change_many(_VECTORS, values)


def _make_current(document_id: UUID, task_id: UUID, stored: int) -> None:
    values = {"document": document_id, "task": task_id, "stored": stored}
    if not rows.change(_CURRENT, values):
        raise Extraction.DoesNotExist
    rows.change(_OUTDATED, values)
    rows.change_many(_REMOVE.format(table=Draft._meta.db_table), values)
