"""F26-F29, F35, F66, F79: workers that die, leave, get duplicates, or lose Postgres."""

import subprocess
import threading
from contextlib import contextmanager

import pytest
from celery import Celery

from chaos.kill_points import POINTS
from chaos.stack import text
from chaos.watcher import Watcher
from notebook.stack import processes
from notebook.tests.live import PROJECT, until

EMBEDDING, STORAGE = "EMBEDDING_GENERATION", "VECTOR_STORAGE"
BATCH = 8  # EMBEDDING_BATCH_SIZE of the stack
MAX_LOSSES = 3
WAITING = "No worker is running. This starts by itself when one is."  # no error; true for a moment
NOT_OURS = '"event": "step_not_ours"'


@contextmanager
def held(embedder):
    """The endpoint accepts requests but does not answer before the block ends."""
    released = threading.Event()
    embedder.misbehave = lambda request: released.wait(60) and None
    try:
        yield
    finally:
        released.set()
        embedder.misbehave = lambda request: None


def until_embedding(stack, document, *, losses=0):
    """Wait until a worker has the embedding step and has sent a request; returns the step's row."""
    asked = stack.embedder.requests
    return until(
        lambda: stack.detail(document["task"]["id"], EMBEDDING),
        lambda row: (
            (row["status"], row["losses"]) == ("RUNNING", losses)
            and (losses > 0 or stack.embedder.requests >= max(asked, 1))
        ),
        seconds=40,
    )


@pytest.mark.fault("F26", bound=90)
def test_a_step_that_loses_three_workers_fails_and_says_so(stack, client, clock):
    """`kill -9` of the whole worker, three times in one step: FAILED, with the count."""
    with held(stack.embedder), clock:
        document = stack.upload(client, "poison.txt", text(40))
        with Watcher(stack, client, document) as watcher:
            for losses in range(MAX_LOSSES):
                until_embedding(stack, document, losses=losses)
                stack.until_back("worker", after=stack.kill("worker"))
            done = stack.until_done(client, document["id"])
            watcher.finish()
    assert (done["status"], done["error_code"]) == ("FAILED", "worker_lost")
    assert str(MAX_LOSSES) in done["error_message"]
    assert stack.task(client, done)["attempt"] == 1


@pytest.mark.fault("F26", bound=60)
@pytest.mark.representative
def test_a_worker_killed_once_costs_at_most_the_batch_in_flight(stack, client, clock):
    """`kill -9` of the whole worker, once: only the batch in flight is paid twice."""
    document = stack.upload(client, "once.txt", text(40))
    with clock:
        with held(stack.embedder):
            until_embedding(stack, document)
            stack.kill("worker")
        done = stack.until_done(client, document["id"])
    assert done["status"] == "AVAILABLE"
    assert stack.detail(done["task"]["id"], EMBEDDING)["losses"] == 1
    assert stack.task(client, done)["attempt"] == 1
    asked = stack.embedder.texts
    assert len(set(asked)) == done["chunk_count"]
    assert len(asked) - len(set(asked)) <= BATCH


@pytest.mark.fault("F27", bound=60)
@pytest.mark.representative
def test_a_deploy_hands_the_step_over_and_nobody_notices(stack, client, clock):
    """SIGTERM in a long step: the next worker continues; no loss is counted, no error shown."""
    document = stack.upload(client, "deploy.txt", text(40))
    with Watcher(stack, client, document) as watcher, clock:
        with held(stack.embedder):
            until_embedding(stack, document)
            stack.until_back("worker", after=stack.kill("worker", 15))
        done = stack.until_done(client, document["id"])
        watcher.finish()
    row = stack.detail(done["task"]["id"], EMBEDDING)
    assert (row["losses"], row["failures"]) == (0, 0)
    assert (done["status"], stack.task(client, done)["attempt"]) == ("AVAILABLE", 1)
    assert watcher.errors_shown() <= {WAITING}
    assert len(stack.embedder.texts) - len(set(stack.embedder.texts)) <= BATCH


@contextmanager
def second_worker(stack):
    """A second worker, by the supervisor's own command; its log is in the file."""
    command, log = processes.worker(stack.runtime), stack.data_dir / "second-worker.log"
    with log.open("wb") as output:
        worker = subprocess.Popen(
            command.arguments, cwd=PROJECT, stdout=output, stderr=output,
            env={**stack.environment, **command.variables},
        )  # fmt: skip
    try:
        until(log.read_text, lambda said: " ready." in said, seconds=60)
        yield log
    finally:
        worker.terminate()
        worker.wait(30)


def publish(stack, name, task_id, *, times):
    """Send a step's message like the outbox."""
    with Celery(broker=stack.runtime["REDIS_URL"], set_as_current=False) as app:
        for _ in range(times):
            app.send_task(name, args=[task_id, 1], queue="document_processing")


@pytest.mark.fault("F28", bound=40)
@pytest.mark.representative
def test_ten_copies_of_a_message_lead_to_one_run(stack, client, clock):
    """The same message ten times and two workers: one run, the others end silently."""
    with second_worker(stack) as log, clock:
        with held(stack.embedder):
            document = stack.upload(client, "ten.txt", text(40))
            first = until_embedding(stack, document)
            publish(stack, "generate_embeddings", document["task"]["id"], times=10)
            until(
                lambda: stack.logs("worker").count(NOT_OURS) + log.read_text().count(NOT_OURS),
                lambda refused: refused >= 10,
                seconds=30,
            )
            assert stack.detail(document["task"]["id"], EMBEDDING)["owner"] == first["owner"]
        done = stack.until_done(client, document["id"])
    assert_one_run(stack, client, done)
    assert '"level": "error"' not in log.read_text()


def assert_one_run(stack, client, done):
    assert (done["status"], stack.task(client, done)["attempt"]) == ("AVAILABLE", 1)
    row = stack.detail(done["task"]["id"], EMBEDDING)
    assert (row["losses"], row["failures"]) == (0, 0)
    assert len(stack.embedder.texts) == len(set(stack.embedder.texts)) == done["chunk_count"]


@pytest.mark.fault("F29", bound=40)
def test_a_redelivery_does_not_run_what_is_alive(stack, client, clock):
    """A broker that redelivers running work after 3 s: no second run of a living step."""
    with stack.changed(CHAOS_VISIBILITY_SECONDS="3"), stack.client() as client, clock:
        with held(stack.embedder):
            document = stack.upload(client, "again.txt", text(40))
            first = until_embedding(stack, document)
            until(lambda: stack.logs("worker"), lambda said: NOT_OURS in said, seconds=15)
            assert stack.detail(document["task"]["id"], EMBEDDING)["owner"] == first["owner"]
        done = stack.until_done(client, document["id"])
        assert_one_run(stack, client, done)


@pytest.mark.fault(
    "F35", bound=60, errors=(r"OperationalError|database_unavailable|InterfaceError",)
)
@pytest.mark.parametrize("point", ["before_commit", "before_publish"])
def test_postgres_killed_at_the_last_commit_stores_all_or_nothing(stack, client, clock, point):
    """`kill -9` of Postgres exactly at the commit of the stored vectors: all of them or none."""
    assert point in POINTS
    stack.arm(STORAGE, point, victim="postgres")
    was = stack.pid("postgres")
    document = stack.upload(client, f"commit-{point}.txt", text(40))
    until(lambda: stack.armed(STORAGE, point).exists(), lambda armed: not armed, seconds=60)
    with clock:
        stack.until_back("postgres", after=was)
        stored, claimed = stored_chunks(stack, document)
        assert stored == claimed
        assert (stored > 0) is (point == "before_publish")
        done = stack.until_done(client, document["id"])
    assert_one_run(stack, client, done)
    assert stored_chunks(stack, document) == (done["chunk_count"],) * 2


def stored_chunks(stack, document):
    """How many chunks the document has, and how many its row claims."""
    query = """
        SELECT (SELECT count(*) FROM documents_chunk WHERE document_id = d.id), chunk_count
        FROM documents_document d WHERE id = %s"""
    with stack.database() as db:
        return db.execute(query, [document["id"]]).fetchone()


@pytest.mark.fault("F73", bound=90)
def test_a_worker_that_does_not_stay_up_takes_nobody_down(stack, client, clock):
    """`kill -9` of the worker at each of eight starts: the web server stays, work continues."""
    web, was = stack.pid("web"), None
    with clock:
        for _ in range(8):
            until(
                lambda was=was: stack.pid_or_none("worker"),
                lambda pid, was=was: pid not in (None, was),
            )
            was = stack.kill("worker")
        document = stack.upload(client, "stays.txt", text(3))
        assert stack.until_done(client, document["id"])["status"] == "AVAILABLE"
    assert stack.pid("web") == web


@pytest.mark.fault("F66", bound=40)
def test_a_silent_reader_that_holds_the_gil_is_not_given_up(stack, client, clock):
    """A reader that silently holds the GIL for more than two leases: its worker stays alive."""
    with clock:
        document = stack.upload(client, "silent.txt", text(3, say="HOLD THE GIL FOR 14 SECONDS"))
        done = stack.until_done(client, document["id"])
    row = stack.detail(done["task"]["id"], "TEXT_EXTRACTION")
    assert (done["status"], row["losses"], row["failures"]) == ("AVAILABLE", 0, 0)
    assert (row["completed_at"] - row["started_at"]).total_seconds() > 12
