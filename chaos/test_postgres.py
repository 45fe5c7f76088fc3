"""F34, F37: Postgres is killed, stopped, and refuses workers' writes."""

import signal
from contextlib import contextmanager

import psycopg
import pytest

from chaos.outages import gone, lasting
from chaos.stack import text
from chaos.test_broker import EMBEDDING, held
from chaos.watcher import Watcher
from notebook.tests.live import until

AWAY = (
    r"database_unavailable|OperationalError|InterfaceError|PoolTimeout"
    r"|readyz|Service Unavailable|\"code\": 503"
)
PROBLEM = "application/problem+json"


def answers_while_away(client, document):
    """Every kind of request, as clients send them."""
    yield client.get("/api/documents/")
    yield client.get(f"/api/documents/{document['id']}/")
    yield client.get(f"/api/tasks/{document['task']['id']}/")
    yield client.post("/api/documents/", files={"file": ("away.txt", text(1))})
    yield client.post("/api/search/", json={"query": "lighthouse"})


def assert_told_to_come_back(answer):
    assert answer.status_code == 503, (answer.request.url, answer.status_code, answer.text[:500])
    assert answer.headers["Content-Type"].startswith(PROBLEM), answer.headers
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["code"] == "database_unavailable"


def assert_api_says_so(client, document):
    for answer in answers_while_away(client, document):
        assert_told_to_come_back(answer)
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 503


def until_running(stack, client):
    """Two documents in their paid step and a waiting one; their state before."""
    documents = [stack.upload(client, f"{n}.txt", text(8)) for n in range(3)]
    for document in documents[:2]:
        stack.until_step(document["task"]["id"], EMBEDDING, "RUNNING", seconds=40)
    return documents


def assert_no_false_failure(stack, client, documents):
    for document in documents:
        done = stack.until_done(client, document["id"])
        assert done["status"] == "AVAILABLE", done
        assert stack.task(client, done)["attempt"] == 1
        assert stack.detail(done["task"]["id"], EMBEDDING)["losses"] <= 1


def survive(stack, client, clock, seconds, number):
    with held(stack.embedder) as hold:
        documents = until_running(stack, client)
        with Watcher(stack, client, documents[0]) as watcher:
            with gone(stack, "postgres", number=number) as was:
                hold.set()  # the steps end while nobody can record it
                until(lambda: client.get("/readyz").status_code, lambda code: code == 503)
                for _ in lasting(seconds):
                    assert_api_says_so(client, documents[0])
            stack.until_back("postgres", after=was)
            with clock:
                until(lambda: client.get("/readyz").status_code, lambda code: code == 200)
                assert client.get("/api/documents/").status_code == 200
                until(lambda: moves_on(stack, documents), bool)
            watcher.finish(seconds=60)
        assert_no_false_failure(stack, client, documents)
        assert set(watcher.answers) <= {200, 503, 0}


def moves_on(stack, documents):
    """Whether a worker has resumed the interrupted steps, or is beyond them."""
    query = """
        SELECT count(*) FROM tasks_taskdetail WHERE task_id = ANY(%s) AND step_type = %s
        AND (status = 'COMPLETED' OR status = 'RUNNING' AND lease_expires_at > now())"""
    with stack.database() as db:
        ids = [document["task"]["id"] for document in documents[:2]]
        return db.execute(query, [ids, EMBEDDING]).fetchone()[0] == len(ids)


@pytest.mark.fault("F34", bound=10, errors=(AWAY,))
@pytest.mark.parametrize("seconds", [1, 10, 60])
def test_a_killed_postgres_fails_nothing(stack, client, clock, seconds):
    """`kill -9` of Postgres: 503 with Retry-After, no false FAILED, everything continues in
    time."""
    survive(stack, client, clock, seconds, signal.SIGKILL)


@pytest.mark.fault("F34", bound=10, errors=(AWAY,))
def test_a_postgres_that_is_deployed_anew_fails_nothing(stack, client, clock):
    """Postgres is stopped as in a deploy (fast shutdown), down for 10 s: as above."""
    survive(stack, client, clock, 10, signal.SIGINT)


@contextmanager
def locking(stack):
    """A foreign transaction that Postgres never picks as the deadlock victim."""
    with psycopg.connect(stack.runtime["DATABASE_URL"], connect_timeout=3) as other:
        other.execute("SET deadlock_timeout = '60s'")
        yield other


def until_locked(stack, task_id):
    """A worker has locked the task and waits for its step, which another transaction has locked."""
    free = "SELECT FROM tasks_task WHERE id = %s FOR UPDATE SKIP LOCKED"
    with stack.database() as db:
        until(lambda: db.execute(free, [task_id]).fetchall(), lambda rows: not rows, seconds=20)


def assert_invisible(stack, client, document, watcher):
    done = stack.until_done(client, document["id"])
    watcher.finish()
    assert (done["status"], stack.task(client, done)["attempt"]) == ("AVAILABLE", 1)
    assert not watcher.errors_shown()
    row = stack.detail(done["task"]["id"], EMBEDDING)
    assert (row["losses"], row["failures"]) == (0, 0)
    assert len(stack.embedder.texts) == len(set(stack.embedder.texts)) == done["chunk_count"]


def deadlocks(stack):
    with stack.database() as db:
        db.execute("SELECT pg_stat_clear_snapshot()")
        return db.execute("SELECT sum(deadlocks) FROM pg_stat_database").fetchone()[0]


@pytest.mark.fault("F37", bound=20)
@pytest.mark.representative
def test_a_deadlock_is_tried_again_and_nobody_sees_it(stack, client, clock):
    """A real deadlock whose victim is a worker at its step's end: retried, unnoticed."""
    before = deadlocks(stack)
    with held(stack.embedder) as hold:
        document = stack.upload(client, "deadlock.txt", text(1))
        task_id = document["task"]["id"]
        with Watcher(stack, client, document) as watcher:
            row = stack.until_step(task_id, EMBEDDING, "RUNNING")
            until(lambda: stack.embedder.requests, bool)
            with clock, locking(stack) as other:
                # The worker locks the task, then the step; we lock in the opposite order.
                lock = "SELECT FROM tasks_taskdetail WHERE id = %s FOR UPDATE"
                other.execute(lock, [row["id"]])
                hold.set()
                until_locked(stack, task_id)
                other.execute("SELECT FROM tasks_task WHERE id = %s FOR UPDATE", [task_id])
                other.rollback()
            assert_invisible(stack, client, document, watcher)
    until(lambda: deadlocks(stack), lambda now: now > before, seconds=15)


@contextmanager
def refusing(stack, *, times):
    """Postgres refuses some ends of the embedding step as not serialisable; yields how many."""
    make = f"""
        CREATE SEQUENCE chaos_refused;
        CREATE FUNCTION chaos_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('chaos_refused') <= {times} THEN
                RAISE 'could not serialize access' USING ERRCODE = 'serialization_failure';
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER chaos_refuse BEFORE UPDATE ON tasks_taskdetail FOR EACH ROW
            WHEN (NEW.status = 'COMPLETED' AND NEW.step_type = '{EMBEDDING}')
            EXECUTE FUNCTION chaos_refuse()"""
    with stack.database() as db:
        db.execute(make)  # a sequence is not rolled back
        try:
            yield lambda: db.execute("SELECT last_value FROM chaos_refused").fetchone()[0]
        finally:
            db.execute("DROP FUNCTION chaos_refuse CASCADE; DROP SEQUENCE chaos_refused")


@pytest.mark.fault("F37", bound=20)
def test_a_serialisation_failure_is_tried_again_and_nobody_sees_it(stack, client, clock):
    """A worker's commit is refused twice as not serialisable: retried, unnoticed."""
    with refusing(stack, times=2) as asked, clock:
        document = stack.upload(client, "serial.txt", text(1))
        with Watcher(stack, client, document) as watcher:
            assert_invisible(stack, client, document, watcher)
        assert asked() == 3
