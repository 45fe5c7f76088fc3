"""store_vectors: a document's new chunks replace its old ones, all of them or none."""

from uuid import UUID

from django.db import connection

from documents import usage
from documents.exceptions import VectorsIncomplete
from documents.models import Chunk, Document, Draft, Extraction

_COLUMNS = """
    document_id, index, text, start, "end", page_start, page_end, headings, context,
    digest, words, weights
"""
# Text and vectors are in Postgres already; nothing travels to us and back.
_INSERT = f"""
    INSERT INTO {Chunk._meta.db_table} (id, owner_id, embedding, {_COLUMNS})
    SELECT chunk_id, (SELECT owner_id FROM {Document._meta.db_table} WHERE id = document_id),
        l2_normalize(embedding), {_COLUMNS} FROM {Draft._meta.db_table}
    WHERE task_id = %s AND embedding IS NOT NULL
"""  # noqa: S608 - table and column names of our own


def replace_chunks(document_id: UUID, task_id: UUID) -> int:
    """Put the task's drafts with their vectors in the place of the document's chunks; how many.

    Call it in a transaction. Raises VectorsIncomplete, which undoes it, unless every draft has its
    vector and there is at least one.
    """
    expected = Draft.objects.filter(task_id=task_id).count()
    Chunk.objects.filter(document_id=document_id).delete()
    stored = _insert(task_id)
    if stored != expected or not stored:
        raise VectorsIncomplete(stored=stored, expected=expected)
    _make_current(document_id, task_id, stored)
    usage.add_for(document_id, chunks=stored)
    return stored


def _insert(task_id: UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL statement_timeout = 0"
        )  # a book into a large index takes its time
        cursor.execute(_INSERT, [task_id])
        return int(cursor.rowcount)


def _make_current(document_id: UUID, task_id: UUID, stored: int) -> None:
    extraction = Extraction.objects.only("id").get(task_id=task_id)
    Document.objects.filter(pk=document_id).update(extraction=extraction, chunk_count=stored)
    outdated = Extraction.objects.filter(document_id=document_id).exclude(pk=extraction.pk)
    outdated.only("pk").delete()  # Django reads what it deletes; the text may be a book
    Draft.objects.filter(document_id=document_id).delete()
