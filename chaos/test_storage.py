"""F38, F42, F51, F54: uploads that break, files that change or disappear."""

import os
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from chaos.stack import text
from chaos.uploads import MB, send, stored
from notebook.tests.live import until

STEPS = (
    "FILE_UPLOAD", "TEXT_EXTRACTION", "TEXT_SPLITTING", "EMBEDDING_GENERATION", "VECTOR_STORAGE",
)  # fmt: skip
TABLES = ("documents_document", "documents_extraction", "documents_draft", "documents_chunk",
          "tasks_task", "tasks_taskdetail", "tasks_outboxmessage")  # fmt: skip
HOUR = 3600


def rows(stack):
    with stack.database() as db:
        return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in TABLES}


@contextmanager
def sending(stack, name, content):
    """A running upload; the list gets its answer at the end."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(send(stack, name, content)))
    thread.start()
    try:
        yield answers
    finally:
        thread.join(120)


# --- F38: the web server dies during an upload ----------------------------------------------------
@contextmanager
def nothing_inserted(stack):
    """Documents can be read; writers have to wait."""
    with stack.database() as db, db.transaction():
        db.execute("LOCK TABLE documents_document IN SHARE ROW EXCLUSIVE MODE")
        yield


def an_hour_passes(stack):
    for path in stored(stack):
        os.utime(path, times=(time.time() - HOUR, time.time() - HOUR))
    stack.manage("shell", "-c", "from documents.tasks import housekeeping; housekeeping()")


@pytest.mark.fault("F38", bound=60)
@pytest.mark.parametrize(
    ("moment", "left"),
    [
        pytest.param("incoming/*", 1, id="its form is read"),
        pytest.param("??/*.partial", 1, id="its bytes are copied"),
        pytest.param("??/*-*[0-9a-f]", 1, id="its row waits", marks=pytest.mark.representative),
    ],
)
def test_a_web_server_killed_in_an_upload_leaves_nothing_for_ever(
    stack, client, clock, moment, left
):
    """`kill -9` of the web server in an upload: no row, no file after housekeeping; then it
    works."""
    content = text(20) + b" " * (60 * MB if "-*" not in moment else 0)
    before, counts = stored(stack), rows(stack)

    def new():
        return set((stack.data_dir / "files").glob(moment)) - before

    with clock:
        with nothing_inserted(stack), sending(stack, "broken.txt", content) as answers:
            until(new, bool, seconds=30)
            was = stack.kill("web")
        assert answers == [None]
        stack.until_back("web", after=was)
        assert rows(stack) == counts
        assert 1 <= len(stored(stack) - before) <= left + 1
        an_hour_passes(stack)
        assert stored(stack) == before
        again = [send(stack, "broken.txt", content) for _ in range(2)]
        assert [answer.status_code for answer in again] == [201, 200]
        # The temporary file disappears just after the answer.
        until(lambda: stored(stack) - before, lambda found: len(found) == 1)
    assert client.delete(f"/api/documents/{again[0].json()['id']}/").status_code == 204


# --- F42: a stored file is missing or changed -----------------------------------------------------
def remove(path):
    path.unlink()


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = [
    pytest.param(remove, "source_missing", id="missing"),
    pytest.param(flip_a_bit, "checksum_mismatch", id="changed"),
]


@pytest.mark.fault("F42", bound=15)
@pytest.mark.parametrize(("damage", "code"), DAMAGES)
@pytest.mark.parametrize("step", ["FILE_UPLOAD", "TEXT_EXTRACTION"])
def test_a_damaged_file_fails_at_once_and_gives_no_chunk(stack, client, clock, step, damage, code):
    """A stored file is missing or has a flipped bit: FAILED with the reason, no retry, no chunk."""
    content = text()
    stack.arm(step, "before_work", victim="freeze")
    before = stored(stack)
    document = stack.upload(client, "damaged.txt", content)
    until(stack.armed(step, "before_work").exists, lambda armed: not armed)
    (path,) = stored(stack) - before
    with clock:
        damage(path)
        stack.thaw("worker")
        done = stack.until_done(client, document["id"])
    assert (done["status"], done["error_code"], done["chunk_count"]) == ("FAILED", code, 0)
    assert stack.detail(done["task"]["id"], step)["failures"] == 0
    assert stack.embedder.requests == 0
    assert client.delete(f"/api/documents/{document['id']}/").status_code == 204
    again = stack.upload(client, "damaged.txt", content)
    assert stack.until_done(client, again["id"])["status"] == "AVAILABLE"


@pytest.mark.fault("F42", bound=15)
@pytest.mark.parametrize(("damage", "code"), DAMAGES)
def test_a_file_damaged_later_leaves_the_old_passages_to_be_found(
    stack, client, clock, damage, code
):
    """The file of an AVAILABLE document is damaged: reprocessing fails, the old chunks stay."""
    before = stored(stack)
    document = stack.upload(client, "later.txt", text())
    available = stack.until_done(client, document["id"])
    (path,) = stored(stack) - before
    with clock:
        damage(path)
        assert client.post(f"/api/documents/{document['id']}/reprocess/").status_code == 202
        done = stack.until_done(client, document["id"])
    assert (done["task"]["status"], done["task"]["error_code"]) == ("FAILED", code)
    assert (done["status"], done["chunk_count"]) == ("AVAILABLE", available["chunk_count"])
    assert client.delete(f"/api/documents/{document['id']}/").status_code == 204


# --- F51: deleted while it is processed -----------------------------------------------------------
def waits_for_a_lock(stack):
    """Whether anybody holds a lock: a step in its commit locks the rows."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with stack.database() as db:
        return db.execute(query).fetchone()[0] > 0


OFTEN = [pytest.mark.representative]


@pytest.mark.fault("F51", bound=20)
@pytest.mark.parametrize("point", ["before_work", "mid_work"])
@pytest.mark.parametrize(
    "step", [pytest.param(step, marks=OFTEN if step == STEPS[3] else []) for step in STEPS]
)
def test_a_document_deleted_in_a_step_stays_deleted(stack, client, clock, step, point):
    """DELETE while a step is paused: 204; when that continues, nothing of the document returns."""
    before, counts = stored(stack), rows(stack)
    stack.arm(step, point, victim="freeze")
    document = stack.upload(client, "deleted.txt", text(40))
    until(stack.armed(step, point).exists, lambda armed: not armed)
    with clock:
        with ThreadPoolExecutor(1) as pool:
            deletion = pool.submit(client.delete, f"/api/documents/{document['id']}/")
            until(lambda: deletion.done() or waits_for_a_lock(stack), bool)
            stack.thaw("worker")
        assert deletion.result().status_code == 204
        after = stack.upload(client, "after.txt", text())
        assert stack.until_done(client, after["id"])["status"] == "AVAILABLE"
        for address in (f"documents/{document['id']}", f"tasks/{document['task']['id']}"):
            assert client.get(f"/api/{address}/").status_code == 404
        assert client.delete(f"/api/documents/{after['id']}/").status_code == 204
        until(lambda: rows(stack), lambda found: found == counts)
        until(lambda: stored(stack), lambda found: found == before)


@pytest.mark.fault("F51", bound=60)
def test_a_deleted_file_that_survives_a_crash_goes_with_housekeeping(stack, client, clock):
    """A crash between a delete's commit and removing its file: housekeeping removes that."""
    before = stored(stack)
    document = stack.upload(client, "survivor.txt", text())
    stack.until_done(client, document["id"])
    (path,) = stored(stack) - before
    with clock:
        copy = path.read_bytes()
        assert client.delete(f"/api/documents/{document['id']}/").status_code == 204
        until(path.exists, lambda there: not there)
        path.write_bytes(copy)  # as if the server had died before it removed the file
        an_hour_passes(stack)
        assert stored(stack) == before


# --- F54: the same file many times at once --------------------------------------------------------
@pytest.mark.fault("F54", bound=20)
@pytest.mark.representative
def test_the_same_file_twenty_times_at_once_is_one_document(stack, client, clock):
    """Twenty uploads of the same bytes at once: one 201, the rest 200; one row, task and file."""
    before, counts, content = stored(stack), rows(stack), text()
    with clock:
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(lambda n: send(stack, f"{n}.txt", content), range(20)))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 19}
        (document_id,) = {answer.json()["id"] for answer in answers}
        assert stack.until_done(client, document_id)["status"] == "AVAILABLE"
    assert len(stored(stack) - before) == 1
    found = rows(stack)
    added = {name: found[name] - counts[name] for name in ("documents_document", "tasks_task")}
    assert added == {"documents_document": 1, "tasks_task": 1}
