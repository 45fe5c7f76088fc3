"""Every way in which documents can be broken by hand is told, and mended where that is safe."""

import os
import time
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction

from documents import file_integrity, integrity
from documents.models import Chunk, Document, Draft, Extraction
from documents.services import reprocess_document
from tasks import integrity as task_integrity
from tasks import invariants, outbox
from tasks.models import Task
from tasks.tests.factories import run_all

pytestmark = pytest.mark.django_db
TIDES = "The moon pulls the sea, and so the water rises and falls twice on every day. " * 40
TEXT = "".join(f"# Part {n}\n\n{n} {TIDES}\n\n" for n in range(4)).encode()


@pytest.fixture(autouse=True)
def no_broker(monkeypatch, settings, tmp_path):
    monkeypatch.setattr(outbox, "_publish_soon", lambda *_: None)
    settings.MEDIA_ROOT = tmp_path
    settings.TASK_HEARTBEAT_SECONDS = 3600  # another connection sees nothing of this transaction


@pytest.fixture
def pending(api):
    body = {"file": SimpleUploadedFile("notes.md", TEXT)}
    return Document.objects.get(pk=api.post("/api/documents/", body).json()["id"])


@pytest.fixture
def available(pending, embedder):
    run_all(pending.tasks.get())
    pending.refresh_from_db()
    assert (pending.status, pending.chunk_count > 3) == ("AVAILABLE", True)
    return pending


@pytest.fixture
def failed(pending, embedder):
    """It failed after its text had been read and split."""
    embedder.misbehave = lambda _request: (401, {}, b"{}")
    run_all(pending.tasks.get())
    embedder.reset()
    pending.refresh_from_db()
    assert (pending.status, pending.error_code) == ("FAILED", "embedding_auth")
    return pending


def sql(query, *params):
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        assert cursor.rowcount, query


EVERYTHING = (
    *task_integrity.INVARIANTS, *integrity.INVARIANTS, *integrity.SAMPLES, *integrity.DEEP,
    *file_integrity.INVARIANTS, *file_integrity.DEEP,
)  # fmt: skip


def broken():
    return {each.name: each for each in invariants.violations(EVERYTHING)}


def mend():
    for each in EVERYTHING:
        each.mend()
    return broken()


def file_of(document):
    return Path(document.file.path)


def test_documents_in_every_healthy_state_break_nothing(api, pending, embedder):
    assert broken() == {}
    run_all(pending.tasks.get())
    assert Chunk.objects.count() > 3
    assert broken() == {}
    task = reprocess_document(pending.pk, {"chunk_size": 64})
    assert broken() == {}
    embedder.misbehave = lambda _request: (401, {}, b"{}")
    run_all(task)
    assert task.status == "FAILED"
    assert broken() == {}  # the old chunks serve, and the new drafts wait for a retry
    assert Draft.objects.exists()
    embedder.reset()
    again = reprocess_document(pending.pk)
    assert broken() == {}
    run_all(again)
    assert again.status == "COMPLETED"
    assert broken() == {}
    api.delete(f"/api/documents/{pending.pk}/")
    assert broken() == {}


def test_a_failed_document_breaks_nothing(failed):
    assert Draft.objects.exists()
    assert Extraction.objects.exists()
    assert broken() == {}


def test_a_wrong_count_is_set_right(available):
    count = available.chunk_count
    sql("UPDATE documents_document SET chunk_count = 99")
    found = broken()["I2 chunk count"]
    assert (found.count, found.ids, found.fixable) == (1, [str(available.pk)], True)
    assert mend() == {}
    available.refresh_from_db()
    assert available.chunk_count == count


def test_a_searchable_document_that_says_it_is_not_becomes_available_again(available):
    sql("UPDATE documents_document SET chunk_count = 0, status = 'FAILED'")
    assert {"I2 chunk count", "I2 empty", "I8 document reason"} == set(broken())
    assert mend() == {}
    available.refresh_from_db()
    assert (available.status, available.error_code) == ("AVAILABLE", None)


@pytest.mark.parametrize("which", ["index = 1", "index = (SELECT max(index) FROM documents_chunk)"])
def test_lost_chunks_are_told_and_not_counted_away(available, which):
    count = available.chunk_count
    sql(f"DELETE FROM documents_chunk WHERE {which}")
    assert "I2 chunk count" in broken()
    assert "I2 chunk count" in mend()
    available.refresh_from_db()
    assert available.chunk_count == count


def test_chunks_with_a_gap_are_told(available):
    sql("UPDATE documents_chunk SET index = 1000 WHERE index = 1")
    assert list(broken()) == ["I2 chunk places"]


def test_an_empty_document_whose_task_is_completed_is_told(available):
    sql("UPDATE documents_document SET chunk_count = 0, status = 'PENDING', extraction_id = NULL")
    sql("DELETE FROM documents_chunk")
    assert "I2 empty" in broken()
    assert list(mend()) == ["I2 empty"]


def test_a_document_that_lost_its_text_is_told(available):
    sql("UPDATE documents_document SET extraction_id = NULL")
    assert list(broken()) == ["I2 no text"]
    assert list(mend()) == ["I2 no text"]
    assert Extraction.objects.exists()


def test_a_chunk_that_is_not_its_part_of_the_text_is_told(available):
    sql("UPDATE documents_chunk SET text = 'Something else' WHERE index = 2")
    assert list(broken()) == ["I2 text"]
    assert broken()["I2 text"].ids == [str(available.pk)]


def test_chunks_of_a_document_that_never_finished_are_removed(failed):
    sql(
        """INSERT INTO documents_chunk (id, document_id, index, text, start, "end", headings,
           context, digest, words, weights, owner_id)
           SELECT chunk_id, document_id, index, text, start, "end", headings, context, digest,
           words, weights, 0 FROM documents_draft"""
    )
    assert {"I2 unfinished", "I2 chunk count", "I2 no vector"} == set(broken())
    assert mend() == {}
    assert not Chunk.objects.exists()


def copy_drafts(to):
    sql(
        """INSERT INTO documents_draft (chunk_id, task_id, document_id, index, text, start, "end",
           headings, context, digest, words, weights)
           SELECT id, %s, document_id, index, text, start, "end", headings, context, digest,
           words, weights FROM documents_chunk""",
        to,
    )


def test_drafts_of_a_completed_task_are_removed(available):
    copy_drafts(available.tasks.get().pk)
    assert list(broken()) == ["I2 drafts"]
    assert mend() == {}
    assert not Draft.objects.exists()


def test_a_text_that_a_later_success_replaced_is_removed(available):
    first = available.tasks.get()
    run_all(reprocess_document(available.pk))
    Extraction.objects.create(document=available, task=first, text="left behind")
    assert broken()["I2 texts"].ids == [str(available.pk)]
    assert mend() == {}
    assert Extraction.objects.get().text != "left behind"


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE documents_document SET status = 'RUNNING'",
        "UPDATE documents_document SET error_code = 'corrupt_file'",
        "UPDATE documents_document SET error_message = 'It went wrong.'",
    ],
)
def test_a_documents_status_and_error_are_set_as_its_task_and_chunks_say(available, harm):
    sql(harm)
    assert list(broken()) == ["I3 document"]
    assert mend() == {}
    available.refresh_from_db()
    assert (available.status, available.error_code, available.error_message) == (
        "AVAILABLE", None, None,
    )  # fmt: skip


def test_a_failed_document_follows_its_failed_task(failed):
    sql("UPDATE documents_document SET status = 'PENDING', error_code = NULL, error_message = NULL")
    assert list(broken()) == ["I3 document"]
    assert mend() == {}
    failed.refresh_from_db()
    assert (failed.status, failed.error_code) == ("FAILED", "embedding_auth")


def test_a_failed_document_without_a_reason_gets_that_of_its_step(failed):
    why = failed.error_message
    for table in ("documents_document", "tasks_task"):
        sql(f"UPDATE {table} SET error_code = NULL, error_message = NULL")
    assert {"I8 reason", "I8 document reason"} == set(broken())
    assert mend() == {}
    failed.refresh_from_db()
    assert (failed.error_code, failed.error_message) == ("embedding_auth", why)


def test_a_document_without_a_task_is_told(available):
    Task.objects.all().delete()
    assert "I7 task" in broken()
    assert "I7 task" in mend()
    assert Chunk.objects.count() == available.chunk_count  # it can still be searched


def test_a_chunk_without_a_vector_is_told(available):
    sql("DELETE FROM documents_chunkvector")
    assert broken()["I2 no vector"].ids == [str(available.pk)]


@pytest.mark.parametrize("vector", ["array_fill(0, ARRAY[384])", "ARRAY[1, 2, 3]"])
def test_a_vector_of_no_use_is_told(available, vector):
    sql(f"""UPDATE documents_chunkvector SET embedding = {vector}::vector
           WHERE chunk_id = (SELECT id FROM documents_chunk WHERE index = 0)""")
    assert {"I6 vectors", "I6 newest vectors"} == set(broken())
    assert broken()["I6 vectors"].ids == [str(available.pk)]
    assert set(mend()) == {"I6 vectors", "I6 newest vectors"}


@pytest.mark.parametrize("vector", ["array_fill(0, ARRAY[384])", "ARRAY[1, 2, 3]"])
def test_a_drafts_unfit_vector_is_forgotten_and_asked_for_again(failed, embedder, vector):
    sql(f"""UPDATE documents_draft SET embedding = {vector}::vector,
        space_id = (SELECT id FROM documents_embeddingspace) WHERE index = 0""")
    assert list(broken()) == ["I6 draft vectors"]
    assert mend() == {}
    assert Draft.objects.get(index=0).embedding is None


TWO_LIVE_TASKS = """
    INSERT INTO tasks_task
    SELECT (jsonb_populate_record(task, jsonb_build_object(
        'id', gen_random_uuid(), 'status', live.status, 'completed_at', NULL))).*
    FROM tasks_task task, (VALUES ('PENDING'), ('RUNNING')) live (status)
"""


@pytest.mark.parametrize(
    ("forbidden", "by"),
    [
        ("UPDATE documents_chunkvector SET embedding = NULL", "not-null constraint"),
        (f"UPDATE documents_chunkvector SET embedding = '[{'NaN,' * 383}1]'", "NaN not allowed"),
        ("UPDATE documents_document SET chunk_count = 0", "available_has_chunks"),
        ("UPDATE documents_chunk SET index = 0", "one_chunk_per_index"),
        (
            TWO_LIVE_TASKS,
            "one_live_task_per_document",
        ),
        ("DELETE FROM tasks_task", "foreign key constraint"),
    ],
)
def test_what_a_constraint_forbids_needs_no_doctor(available, forbidden, by):
    sql("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(DatabaseError, match=by), transaction.atomic():
        sql(forbidden)


def test_a_missing_file_is_told_and_nothing_pretends_to_mend_it(available):
    file_of(available).unlink()
    assert list(broken()) == ["I5 file"]
    assert broken()["I5 file"].ids == [str(available.pk)]
    assert "backup" in broken()["I5 file"].sentence
    assert list(mend()) == ["I5 file"]


def test_a_file_of_another_length_is_told(available):
    with file_of(available).open("ab") as file:
        file.write(b"!")
    assert {"I5 size", "I5 checksum"} == set(broken())


def test_a_flipped_byte_is_told_by_the_deep_look(available):
    content = file_of(available).read_bytes()
    file_of(available).write_bytes(b"X" + content[1:])
    assert list(broken()) == ["I5 checksum"]
    assert list(mend()) == ["I5 checksum"]


@pytest.mark.parametrize("name", ["ab/whole", "ab/half.partial", "incoming/body"])
def test_an_old_file_that_no_document_names_is_removed_and_a_young_one_stays(available, name):
    orphan = file_of(available).parent.parent / name
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"left by a crash")
    assert broken() == {}
    now = time.time()
    os.utime(orphan, (now, now - 59 * 60))  # housekeeping's, in its next turn
    assert broken() == {}
    os.utime(orphan, (now, now - 61 * 60))
    assert broken()["I5 orphan"].ids == [name]
    assert mend() == {}
    assert not orphan.exists()
    assert file_of(available).exists()
