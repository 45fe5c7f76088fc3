"""store_vectors: a document's new chunks replace its old ones, all of them or none."""

from typing import Any
from uuid import UUID

from django.db import connection

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
from tasks.exceptions import StepPaused

_COLUMNS = """
    document_id, index, text, start, "end", page_start, page_end, headings, context,
    digest, words, weights
"""
# Text and vectors are in Postgres already; nothing travels to us and back.
_OF_TASK = f"""
    FROM {Draft._meta.db_table} draft JOIN {Document._meta.db_table} document
        ON document.id = document_id
    WHERE task_id = %(task)s AND embedding IS NOT NULL AND space_id = %(space)s
"""
_CHUNKS = f"""
    INSERT INTO {Chunk._meta.db_table} (id, owner_id, {_COLUMNS})
    SELECT chunk_id, owner_id, {_COLUMNS} {_OF_TASK}
"""
_VECTORS = f"""
    INSERT INTO {ChunkVector._meta.db_table} (chunk_id, space_id, owner_id, document_id, embedding)
    SELECT chunk_id, space_id, owner_id, document_id, l2_normalize(embedding) {_OF_TASK}
"""


def replace_chunks(document_id: UUID, task_id: UUID) -> int:
    """Put the task's drafts with their vectors in the place of the document's chunks; how many.

    Call it in a transaction. Raises VectorsIncomplete, which undoes it, unless every draft has its
    vector and there is at least one; StepPaused if another space is searched than they are of.
    """
    space = spaces.held()
    drafts = Draft.objects.filter(task_id=task_id)
    expected = drafts.count()
    spaces.keep_vectors_of(document_id)
    Chunk.objects.filter(document_id=document_id).delete()
    stored = _insert(task_id, space)
    if stored != expected or not stored:
        if drafts.exclude(embedding=None).exclude(space=space).exists():
            raise StepPaused  # the space was switched a moment ago
        raise VectorsIncomplete(stored=stored, expected=expected)
    _make_current(document_id, task_id, stored)
    usage.add_for(document_id, chunks=stored)
    return stored


def _insert(task_id: UUID, space: EmbeddingSpace) -> int:
    values: dict[str, Any] = {"task": task_id, "space": space.pk}
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL statement_timeout = 0"
        )  # a book into a large index takes its time
        cursor.execute(_CHUNKS, values)
        cursor.execute(_VECTORS, values)
        return int(cursor.rowcount)


def _make_current(document_id: UUID, task_id: UUID, stored: int) -> None:
    extraction = Extraction.objects.only("id").get(task_id=task_id)
    Document.objects.filter(pk=document_id).update(extraction=extraction, chunk_count=stored)
    outdated = Extraction.objects.filter(document_id=document_id).exclude(pk=extraction.pk)
    outdated.only("pk").delete()  # Django reads what it deletes; the text may be a book
    Draft.objects.filter(document_id=document_id).delete()
