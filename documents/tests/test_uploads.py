"""Uploads and stored files when something breaks: nothing half, nothing lost, nothing left."""

import gc
import os
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, OperationalError, connection, transaction
from rest_framework.test import APIClient

from documents import services, words_file
from documents.models import Chunk, Document, Draft, Extraction
from documents.storage import make_incoming
from documents.tests import test_api
from documents.tests.disks import small_disk
from documents.tests.test_api import TEXT, assert_problem, process, upload
from documents.weights import indexed
from tasks import runner
from tasks import services as task_services
from tasks.models import Task, TaskDetail
from tasks.tests.factories import at_once, run_all

pytestmark = pytest.mark.django_db
no_broker = test_api.no_broker
DISK_FULL = "DO $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$"
HOUR = 3600


def stored(settings):
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


@contextmanager
def collecting_nothing():
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def postgres_is_full(*_args, **_options):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(DISK_FULL)


def test_a_full_disk_answers_507_leaves_nothing_and_takes_what_has_room(api, settings, tmp_path):
    with small_disk(tmp_path / "disk", megabytes=1) as settings.MEDIA_ROOT:
        assert_problem(upload(api, TEXT * 3000), 507, "storage_full")
        assert stored(settings) == []
        assert not Document.objects.exists()
        assert upload(api).status_code == 201


def test_a_disk_that_is_full_while_a_form_is_read_keeps_none_of_it(api, monkeypatch, tmp_path):
    """Whether or not the request that failed has been collected yet."""
    with small_disk(tmp_path / "disk", megabytes=1) as disk, collecting_nothing():
        monkeypatch.setattr("tempfile.tempdir", str(disk))
        assert_problem(upload(api, TEXT * 100_000), 507, "storage_full")
        assert list(disk.iterdir()) == []


def test_a_full_postgres_answers_507_and_leaves_no_file(api, settings, monkeypatch):
    monkeypatch.setattr(services, "_start", postgres_is_full)
    assert_problem(upload(api), 507, "storage_full")
    assert stored(settings) == []
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    ("error", "files"),
    [
        (OperationalError("server closed the connection unexpectedly"), 1),
        (ValueError("a bug"), 0),
    ],
)
def test_bytes_stay_while_nobody_knows_whether_their_row_was_committed(
    api, settings, monkeypatch, error, files
):
    def fail(*_args, **_options):
        raise error

    monkeypatch.setattr(services, "_start", fail)
    assert upload(api).status_code >= 500
    assert len(stored(settings)) == files


def test_housekeeping_removes_what_a_crash_left_and_nothing_else(api, settings):
    upload(api)
    (kept,) = stored(settings)
    left = [
        kept.with_name("0c5e0000-0000-4000-8000-000000000000"),
        kept.with_name(f"{kept.name}.partial"),
        make_incoming() / "tmpabc.upload.pdf",
    ]
    young = make_incoming() / "tmpdef.upload.pdf"
    for path in (*left, young):
        path.write_bytes(b"half of a file")
    for path in (kept, *left):
        os.utime(path, times=(time.time() - HOUR, time.time() - HOUR))
    assert services.remove_orphaned_files() == 3
    assert sorted(stored(settings)) == sorted([kept, young])


def test_what_comes_while_housekeeping_looks_stays_whatever_its_clock_says(
    api, settings, monkeypatch
):
    look = services._stored

    def meanwhile(root):
        upload(api)
        return look(root)

    monkeypatch.setattr(services, "_stored", meanwhile)
    assert services.remove_orphaned_files(older_than=-timedelta(hours=1)) == 0
    assert len(stored(settings)) == 1


def test_a_book_can_be_cancelled_while_its_words_are_found(api, embedder, monkeypatch):
    """It may take a minute, longer than a lock on its task or a statement of Postgres may last."""

    def cancelled_meanwhile(*args):
        assert connection.savepoint_ids == before
        task_services.cancel(task.pk)
        return indexed(*args)

    monkeypatch.setattr(words_file, "indexed", cancelled_meanwhile)
    monkeypatch.setattr(runner, "REPORT_SECONDS", 0)
    upload(api)
    task, before = Task.objects.get(), list(connection.savepoint_ids)
    run_all(task)
    assert task.status == "CANCELLED"
    assert not Draft.objects.exists()


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "code"), [(Path.unlink, "source_missing"), (flip_a_bit, "checksum_mismatch")]
)
@pytest.mark.parametrize("after", ["", "FILE_UPLOAD"])
def test_a_file_that_is_gone_or_changed_fails_at_once(api, settings, embedder, after, damage, code):
    document_id = upload(api).json()["id"]
    task = Task.objects.get()
    if after:
        settings.TASK_SLICE_SECONDS = 0
        runner.run_task(task.pk, task.attempt)
        assert TaskDetail.objects.get(status="COMPLETED").step_type == after
    damage(stored(settings)[0])
    run_all(task)
    step = TaskDetail.objects.get(status="FAILED")
    assert (task.status, task.error_code, step.failures) == ("FAILED", code, 0)
    assert step.step_order == (2 if after else 1)
    assert api.get(f"/api/documents/{document_id}/").json()["error_code"] == code
    assert not Extraction.objects.exists()
    assert not Chunk.objects.exists()
    assert embedder.requests == 0


def test_what_a_crash_left_of_a_file_is_not_taken_for_it(settings):
    Path(settings.MEDIA_ROOT, "a.partial").write_bytes(b"half")
    assert default_storage.save("a", ContentFile(b"all of it")) == "a"
    assert Path(settings.MEDIA_ROOT, "a").read_bytes() == b"all of it"


def test_two_may_store_the_same_file_at_the_same_time(settings):
    class Meanwhile(ContentFile):
        def chunks(self, *_args):
            yield b"all "
            assert default_storage.save("a", ContentFile(b"all of it")) == "a"
            yield b"of it"

    assert default_storage._save("a", Meanwhile(b"all of it")) == "a"
    (path,) = stored(settings)
    assert path.read_bytes() == b"all of it"


@pytest.mark.parametrize("name", ["1. " + "很长的标题" * 50, "a." + "x" * 250])
def test_a_name_may_have_an_ending_of_any_length(api, name):
    answer = upload(api, name=name)
    assert (answer.status_code, answer.json().get("name")) == (201, name)


@pytest.mark.parametrize("damage", [Path.unlink, flip_a_bit])
def test_the_same_bytes_again_put_a_lost_file_back(api, settings, embedder, damage):
    upload(api)
    task = Task.objects.get()
    damage(stored(settings)[0])
    run_all(task)
    assert task.status == "FAILED"
    assert upload(api).status_code == 200
    run_all(task)
    assert (task.status, len(stored(settings))) == ("COMPLETED", 1)


def test_the_same_bytes_of_what_can_be_searched_start_nothing(api, embedder):
    """Whatever became of a later run."""
    document_id = upload(api).json()["id"]
    process(document_id)
    api.post(f"/api/documents/{document_id}/reprocess/")
    again = Task.objects.latest("created_at")
    task_services.cancel(again.pk)
    answer = upload(api, chunk_size=64)
    assert (answer.status_code, answer.json()["status"]) == (200, "AVAILABLE")
    assert answer.json()["task"]["status"] == "CANCELLED"
    assert Task.objects.count() == 2


@pytest.mark.parametrize(
    ("first", "then", "tasks", "used"),
    [
        ({}, {}, 1, (256, 32)),
        ({"chunk_size": 100}, {}, 1, (100, 32)),
        ({"chunk_size": 100}, {"chunk_size": 100}, 1, (100, 32)),
        ({"chunk_size": 100}, {"chunk_size": 64}, 2, (64, 32)),
        ({"chunk_size": 100, "chunk_overlap": 9}, {"chunk_size": 100}, 2, (100, 32)),
    ],
)
def test_what_starts_again_is_split_as_it_is_asked_for_now(api, embedder, first, then, tasks, used):
    document_id = upload(api, **first).json()["id"]
    task_services.cancel(Task.objects.get().pk)
    assert upload(api, **then).json()["status"] == "PENDING"
    task = process(document_id)
    assert (task.status, Task.objects.count()) == ("COMPLETED", tasks)
    assert (task.options["chunk_size"], task.options["chunk_overlap"]) == used


def test_what_is_split_anew_pays_for_no_text_twice(api, embedder, settings):
    """Of a document that failed while it was embedded, the vectors that came are used."""
    settings.EMBEDDING_BATCH_SIZE = 1
    embedder.misbehave = lambda request: (401, {}, b"{}") if embedder.texts else None
    document_id = upload(api, TEXT * 20, chunk_size=64).json()["id"]
    process(document_id)
    assert len(embedder.texts) == 1
    embedder.misbehave = lambda request: None
    upload(api, TEXT * 20, chunk_size=64, chunk_overlap=0)
    assert process(document_id).status == "COMPLETED"
    assert len(embedder.texts) == len(set(embedder.texts))


def test_bytes_whose_document_is_deleted_meanwhile_become_a_new_one(api, monkeypatch):
    first = upload(api).json()["id"]
    again = services._again

    def deleted_meanwhile(document, *asked):
        services.delete_document(document.pk)
        return again(document, *asked)

    monkeypatch.setattr(services, "_again", deleted_meanwhile)
    second = upload(api)
    assert second.status_code == 201
    assert second.json()["id"] != first


def test_a_clash_with_nothing_is_409_and_leaves_no_file(api, settings, monkeypatch):
    def clash(*_args, **_options):
        raise IntegrityError

    monkeypatch.setattr(services, "_start", clash)
    assert_problem(upload(api), 409, "wrong_state")
    assert stored(settings) == []


@pytest.mark.django_db(transaction=True)
def test_of_two_deletes_at_once_one_finds_nothing(user, django_db_serialized_rollback):
    client = APIClient()
    client.force_authenticate(user)
    address = f"/api/documents/{upload(client).json()['id']}/"
    answers = at_once(lambda: client.delete(address), lambda: client.delete(address))
    assert sorted(answer.status_code for answer in answers) == [204, 404]


def test_search_says_so_when_postgres_is_full(api, embedder, monkeypatch):
    process(upload(api).json()["id"])
    monkeypatch.setattr("documents.search.search", postgres_is_full)
    answer = api.post("/api/search/", {"query": "moon"}, format="json")
    assert_problem(answer, 507, "storage_full")
