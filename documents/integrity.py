"""The invariants of documents, their texts, chunks and vectors. For files see file_integrity."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from documents.models import (
    Chunk,
    ChunkVector,
    Document,
    Draft,
    EmbeddingSpace,
    Extraction,
)
from tasks.invariants import Ids, Invariant, each, rows
from tasks.models import Status, Task, TaskDetail

NEWEST_DOCUMENTS, NEWEST_VECTORS = 100, 1000  # checked without --deep
_DOCUMENT, _CHUNK, _VECTOR, _DRAFT, _SPACE, _TEXT, _TASK, _DETAIL = (
    model._meta.db_table
    for model in (Document, Chunk, ChunkVector, Draft, EmbeddingSpace, Extraction, Task, TaskDetail)
)


# --- What mends -----------------------------------------------------------------------------------
def _each_document(mend: Callable[[Document], object]) -> Callable[[Ids], int]:
    return each(lambda document_id: _mend_locked(document_id, mend))


@transaction.atomic
def _mend_locked(document_id: UUID, mend: Callable[[Document], object]) -> object:
    """Lock in the usual order: tasks, then their document."""
    list(Task.objects.select_for_update().filter(document_id=document_id).values_list("pk"))
    document = Document.objects.select_for_update().filter(pk=document_id).first()
    return document is not None and mend(document)


def _settle(document: Document) -> bool:
    task = document.tasks.order_by("-created_at").first()
    if task is None or (task.status == Status.COMPLETED and not document.chunk_count):
        return False
    task.steps.settle(document.pk, task.status, task.error_code, task.error_message)
    return True


def _remove_chunks(document: Document) -> bool:
    if document.chunk_count or document.tasks.filter(status=Status.COMPLETED).exists():
        return False
    return bool(Chunk.objects.filter(document=document).delete()[0])


def _count_chunks(document: Document) -> bool:
    """Only if all stored chunks are there: a smaller count would hide that some were lost."""
    indexes = list(
        Chunk.objects.filter(document=document).order_by("index").values_list("index", flat=True)
    )
    if not indexes or indexes != list(range(len(indexes))) or _stored(document) != len(indexes):
        return False
    document.chunk_count = len(indexes)
    document.save(update_fields=["chunk_count"])
    return _settle(document)


def _stored(document: Document) -> int | None:
    """How many chunks were stored by the task that made the document's present ones."""
    if document.extraction is None:
        return None
    steps = TaskDetail.objects.filter(task_id=document.extraction.task_id)
    step = steps.filter(details__has_key="stored_vectors").first()
    return int(step.details["stored_vectors"]) if step else None


def _remove_drafts(document: Document) -> bool:
    done = document.tasks.filter(status=Status.COMPLETED)
    return bool(Draft.objects.filter(document=document, task__in=done).delete()[0])


def _remove_texts(document: Document) -> bool:
    ids = rows(f"{_UNUSED_TEXT} AND e.document_id = %(document)s", document=document.pk)()
    return bool(Extraction.objects.filter(pk__in=ids).delete()[0])


def _forget_vectors(document: Document) -> bool:
    """They are asked for again."""
    ids = rows(f"{_UNFIT_DRAFT} AND draft.document_id = %(document)s", document=document.pk)
    return bool(Draft.objects.filter(pk__in=ids()).update(embedding=None))


# --- What finds -----------------------------------------------------------------------------------
_COMPLETED_TASK = f"""
    EXISTS (SELECT FROM {_TASK} t WHERE t.document_id = d.id AND t.status = 'COMPLETED')
"""
_HAS_CHUNKS = f"EXISTS (SELECT FROM {_CHUNK} c WHERE c.document_id = d.id)"
_UNFINISHED = f"""
    SELECT d.id FROM {_DOCUMENT} d
    WHERE d.chunk_count = 0 AND {_HAS_CHUNKS} AND NOT {_COMPLETED_TASK}
"""  # noqa: S608
_COUNT = f"""
    SELECT d.id FROM {_DOCUMENT} d
    LEFT JOIN (SELECT document_id, count(*) FROM {_CHUNK} GROUP BY document_id) c
    ON c.document_id = d.id WHERE coalesce(c.count, 0) <> d.chunk_count
"""  # noqa: S608
_INDEXES = f"""
    SELECT document_id FROM {_CHUNK} GROUP BY document_id
    HAVING min(index) <> 0 OR max(index) <> count(*) - 1
"""  # noqa: S608
_LATEST = f"""
    {_DOCUMENT} d CROSS JOIN LATERAL (
        SELECT * FROM {_TASK} t WHERE t.document_id = d.id ORDER BY created_at DESC LIMIT 1
    ) latest
"""  # noqa: S608 - names of our own, here and below
_EMPTY = f"""
    SELECT d.id FROM {_LATEST} WHERE latest.status = 'COMPLETED' AND d.chunk_count = 0
"""  # noqa: S608
_UNSETTLED = f"""
    SELECT d.id FROM {_LATEST}
    WHERE NOT (latest.status = 'COMPLETED' AND d.chunk_count = 0) AND (
        d.status <> CASE WHEN d.chunk_count > 0 THEN 'AVAILABLE' ELSE latest.status END
        OR (d.error_code, d.error_message) IS DISTINCT FROM (
            CASE latest.status WHEN 'FAILED' THEN latest.error_code END,
            CASE latest.status WHEN 'FAILED' THEN latest.error_message END
        )
    )
"""  # noqa: S608
_NO_TASK = f"""
    SELECT d.id FROM {_DOCUMENT} d
    WHERE NOT EXISTS (SELECT FROM {_TASK} t WHERE t.document_id = d.id)
"""  # noqa: S608
_NO_REASON = f"""
    SELECT id FROM {_DOCUMENT} WHERE status = 'FAILED'
    AND (coalesce(error_code, '') = '' OR coalesce(error_message, '') = '')
"""  # noqa: S608
_NO_TEXT = f"SELECT id FROM {_DOCUMENT} WHERE chunk_count > 0 AND extraction_id IS NULL"  # noqa: S608
_USED_DRAFT = f"""
    SELECT DISTINCT draft.document_id FROM {_DRAFT} draft JOIN {_TASK} t ON t.id = draft.task_id
    WHERE t.status = 'COMPLETED'
"""  # noqa: S608
# Replaced by a later success, or not made current by its own.
_UNUSED_TEXT = f"""
    SELECT e.id FROM {_TEXT} e JOIN {_TASK} t ON t.id = e.task_id
    JOIN {_DOCUMENT} d ON d.id = e.document_id
    WHERE d.extraction_id <> e.id AND EXISTS (
        SELECT FROM {_TASK} done WHERE done.document_id = d.id
        AND done.status = 'COMPLETED' AND done.created_at >= t.created_at
    )
"""  # noqa: S608
_UNFIT = """
    (vector_dims(embedding::vector) <> space.dimensions OR vector_norm(embedding::vector) = 0
    OR vector_norm(embedding::vector) = 'Infinity' OR vector_norm(embedding::vector) = 'NaN')
"""
_UNFIT_DRAFT = f"""
    SELECT draft.id FROM {_DRAFT} draft JOIN {_SPACE} space ON space.id = space_id
    WHERE embedding IS NOT NULL AND {_UNFIT}
"""  # noqa: S608
_OF_NEWEST = f"""
    WITH newest AS (
        SELECT id FROM {_DOCUMENT} WHERE chunk_count > 0 ORDER BY updated_at DESC
        LIMIT {NEWEST_DOCUMENTS}
    )
    SELECT DISTINCT document_id FROM (
        SELECT document_id, space_id, embedding
        FROM {_VECTOR} JOIN newest ON newest.id = document_id
        LIMIT {NEWEST_VECTORS}
    ) sample JOIN {_SPACE} space ON space.id = space_id WHERE {_UNFIT}
"""  # noqa: S608
_OF_ALL = f"""
    SELECT DISTINCT document_id FROM {_VECTOR} JOIN {_SPACE} space ON space.id = space_id
    WHERE {_UNFIT}
"""  # noqa: S608
_NO_VECTOR = f"""
    SELECT DISTINCT chunk.document_id FROM {_CHUNK} chunk
    JOIN {_SPACE} space ON space.state = 'ACTIVE'
    WHERE NOT EXISTS (
        SELECT FROM {_VECTOR} v WHERE v.chunk_id = chunk.id AND v.space_id = space.id
    )
"""  # noqa: S608


def _documents_of(table: str, query: str) -> Callable[[], list[Any]]:
    """The documents of the rows that `query` finds, so that they can be locked."""
    return rows(f"SELECT DISTINCT document_id FROM {table} WHERE id IN ({query})")  # noqa: S608


_PASSAGES = f"""
    SELECT d.id, e.text, c.texts, c.starts, c.ends
    FROM {_DOCUMENT} d JOIN {_TEXT} e ON e.id = d.extraction_id
    CROSS JOIN LATERAL (
        SELECT array_agg(text) AS texts, array_agg(start) AS starts, array_agg("end") AS ends
        FROM {_CHUNK} WHERE document_id = d.id
    ) c WHERE c.texts IS NOT NULL
"""  # noqa: S608


def _wrong_text() -> list[Any]:
    """Documents with a chunk that differs from its span of the text.

    One document at a time, and compared here: Postgres would unpack the text for each chunk.
    """
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(_PASSAGES)
        documents = iter(cursor.fetchone, None)
        return [pk for pk, text, *spans in documents if not _fits(text, zip(*spans, strict=True))]


def _fits(whole: str, passages: Iterable[tuple[str, int, int]]) -> bool:
    return all(text == whole[start:end] for text, start, end in passages)


_AGAIN = "Process the document again."
INVARIANTS = (
    Invariant(
        name="I2 unfinished", find=rows(_UNFINISHED), fix=_each_document(_remove_chunks),
        sentence="A document that never finished has chunks.",
    ),
    Invariant(
        name="I2 chunk count", find=rows(_COUNT), fix=_each_document(_count_chunks),
        sentence=f"A document's chunk count is wrong. {_AGAIN}",
    ),
    Invariant(
        name="I2 chunk places", find=rows(_INDEXES),
        sentence=f"A document's chunks are not numbered from 0 without gaps. {_AGAIN}",
    ),
    Invariant(
        name="I2 empty", find=rows(_EMPTY),
        sentence=f"A document has no chunks, although its task is completed. {_AGAIN}",
    ),
    Invariant(
        name="I2 no text", find=rows(_NO_TEXT),
        sentence=f"A document has chunks, but their text is gone. {_AGAIN}",
    ),
    Invariant(
        name="I2 drafts", find=rows(_USED_DRAFT), fix=_each_document(_remove_drafts),
        sentence="A completed task has left drafts behind.",
    ),
    Invariant(
        name="I2 texts", find=_documents_of(_TEXT, _UNUSED_TEXT), fix=_each_document(_remove_texts),
        sentence="A text is kept that nothing refers to any more.",
    ),
    Invariant(
        name="I3 document", find=rows(_UNSETTLED), fix=_each_document(_settle),
        sentence="A document's status or error does not match its chunks and its task.",
    ),
    Invariant(
        name="I2 no vector", find=rows(_NO_VECTOR),
        sentence=f"A chunk has no vector of the active model. {_AGAIN}",
    ),
    Invariant(
        name="I6 draft vectors", find=_documents_of(_DRAFT, _UNFIT_DRAFT),
        fix=_each_document(_forget_vectors),
        sentence="A draft's vector is invalid: zero, not finite, or of wrong dimensions.",
    ),
    Invariant(
        name="I7 task", find=rows(_NO_TASK),
        sentence=f"A document has no task. {_AGAIN}",
    ),
    Invariant(
        name="I8 document reason", find=rows(_NO_REASON), fix=_each_document(_settle),
        sentence="A document has failed without a code or a sentence that says why.",
    ),
)  # fmt: skip
_UNFIT_VECTORS = (
    f"A vector is invalid: zero, not finite, or not of its model's dimensions. {_AGAIN}"
)
SAMPLES = (Invariant(name="I6 newest vectors", find=rows(_OF_NEWEST), sentence=_UNFIT_VECTORS),)
DEEP = (  # instead of the samples
    Invariant(name="I6 vectors", find=rows(_OF_ALL), sentence=_UNFIT_VECTORS),
    Invariant(
        name="I2 text", find=_wrong_text,
        sentence=f"A chunk differs from its span of the document's text. {_AGAIN}",
    ),
)  # fmt: skip
