"""F30-F33, F50: the broker, which also carries live progress, is killed, emptied, frozen, full."""

import json
import threading
from contextlib import contextmanager, nullcontext

import pytest

from chaos.outages import frozen, gone, lasting, timed
from chaos.stack import text
from chaos.watcher import Watcher
from notebook.tests.live import until

EMBEDDING = "EMBEDDING_GENERATION"
UPLOAD_SECONDS = 3
THREADS = 12  # threads that web may have more than before; its pool for views has about as many
BROKER_AWAY = (
    r"channels_redis|Unexpected exception|Connection error|TimeoutError|reconnect"
    r"|Couldn't apply scheduled task"  # beat's, once a minute
)


@contextmanager
def held(embedder):
    """The endpoint accepts requests but does not answer before the block ends."""
    released = threading.Event()
    embedder.misbehave = lambda request: released.wait(60) and None
    try:
        yield released
    finally:
        released.set()
        embedder.misbehave = lambda request: None


def upload_in_time(stack, client, name, content=None):
    """An upload that has to succeed within its time limit, whatever is broken."""
    content = content or text(1)
    answer, seconds = timed(client.post, "/api/documents/", files={"file": (name, content)})
    assert answer.status_code == 201, answer.text
    assert seconds < UPLOAD_SECONDS, f"an upload took {seconds:.1f} s"
    return answer.json()


def running_and_queued(stack, client):
    """Two documents in the middle of their paid step, on both slots, and three waiting ones."""
    running = [upload_in_time(stack, client, f"running-{n}.txt", text(8)) for n in range(2)]
    for document in running:
        stack.until_step(document["task"]["id"], EMBEDDING, "RUNNING", seconds=40)
    queued = [upload_in_time(stack, client, f"queued-{n}.txt") for n in range(3)]
    return running, queued


def until_available(stack, client, documents):
    for document in documents:
        done = stack.until_done(client, document["id"])
        assert done["status"] == "AVAILABLE", done
        task = stack.task(client, done)
        assert (task["attempt"], task["error_code"]) == (1, None)
        assert {detail["error_message"] for detail in task["task_details"]} == {None}


def until_moving(stack, running, queued):
    """Running work continues with its next step, and the first waiting document is served.

    How soon everything is done then depends on the amount of work and on the machine.
    """
    query = """
        SELECT count(DISTINCT task_id) FROM tasks_taskdetail WHERE started_at IS NOT NULL
        AND (task_id = ANY(%s) AND step_type = 'VECTOR_STORAGE' OR task_id = %s)"""
    ids = [document["task"]["id"] for document in running]
    with stack.database() as db:
        until(
            lambda: db.execute(query, [ids, queued[0]["task"]["id"]]).fetchone()[0],
            lambda moving: moving == len(ids) + 1,
        )


def problems(stack, client, document):
    """The problems of the queue that a waiting user is shown."""
    details = [detail["details"] for detail in stack.task(client, document)["task_details"]]
    return [each["queue"]["problem"] for each in details if each.get("queue")]


def first_word(stack, document):
    """The first snapshot of a new socket."""
    with stack.socket(document["task"]["socket"]) as socket:
        return json.loads(socket.recv(timeout=10))


class Away:
    """What holds while the broker can't be reached; checked again and again."""

    def __init__(self, stack, client, watched):
        self.stack, self.client, self.watched = stack, client, watched
        self.threads = stack.process("web").num_threads()
        self.uploaded, self.told, self.looks = [], [], 0

    def look(self):
        if self.looks % 8 == 0 and len(self.uploaded) < 4:
            name = f"away-{len(self.uploaded)}.txt"
            self.uploaded.append(upload_in_time(self.stack, self.client, name))
        self.looks += 1
        assert self.client.get("/api/documents/").status_code == 200
        self.told += problems(self.stack, self.client, self.watched)
        said = first_word(self.stack, self.watched)
        assert (said["type"], said["task_id"]) == ("task", self.watched["task"]["id"])
        now = self.stack.process("web").num_threads()
        assert now <= self.threads + THREADS, (self.threads, now)


def endure(stack, client, seconds, *, hold, queued, running):
    """What has to hold during an outage; returns the documents uploaded meanwhile."""
    away = Away(stack, client, queued[-1])
    for _ in lasting(seconds):
        away.look()
        hold.set()
    if seconds >= 30:
        assert "queue_unavailable" in away.told, away.told
        for document in running:  # running work needs no broker to finish
            assert stack.detail(document["task"]["id"], EMBEDDING)["status"] == "COMPLETED"
    return away.uploaded


@pytest.mark.fault("F30", bound=15, errors=(BROKER_AWAY,))
@pytest.mark.parametrize("seconds", [0, 5, 60])
def test_a_killed_broker_costs_nothing(stack, client, clock, seconds):
    """`kill -9` of the broker with queued and running work: everything continues after its
    return."""
    with held(stack.embedder) as hold:
        running, queued = running_and_queued(stack, client)
        with Watcher(stack, client, queued[-1]) as watcher:
            with gone(stack, "valkey") as was:
                meanwhile = endure(
                    stack, client, seconds, hold=hold, queued=queued, running=running
                )
            hold.set()
            stack.until_back("valkey", after=was)
            with clock:
                until_moving(stack, running, queued)
            until_available(stack, client, [*running, *queued, *meanwhile])
            watcher.finish()
    assert problems(stack, client, queued[-1]) == []


@pytest.mark.fault("F31", bound=15)
@pytest.mark.representative
def test_a_broker_that_lost_its_memory_loses_nothing(stack, client, clock):
    """`FLUSHALL` with queued and running work: nothing is lost."""
    with held(stack.embedder) as hold:
        running, queued = running_and_queued(stack, client)
        with Watcher(stack, client, queued[-1]) as watcher, stack.broker() as broker:
            broker.flushall()
            meanwhile = upload_in_time(stack, client, "after.txt")
            hold.set()
            with clock:
                until_moving(stack, running, queued)
            until_available(stack, client, [*running, *queued, meanwhile])
            watcher.finish()


@pytest.mark.fault("F32", bound=15, errors=(BROKER_AWAY,))
def test_a_frozen_broker_holds_nobody_up(stack, client, clock):
    """`SIGSTOP` of the broker for 30 s: uploads in time, no threads pile up, then work
    continues."""
    with held(stack.embedder) as hold:
        running, queued = running_and_queued(stack, client)
        with Watcher(stack, client, queued[-1]) as watcher:
            with frozen(stack, "valkey"):
                meanwhile = endure(stack, client, 30, hold=hold, queued=queued, running=running)
            with clock:
                until_moving(stack, running, queued)
            until_available(stack, client, [*running, *queued, *meanwhile])
            watcher.finish()


@contextmanager
def full(stack):
    with stack.broker() as broker:
        broker.config_set("maxmemory", "1kb")
        try:
            yield
        finally:
            broker.config_set("maxmemory", "0")


@pytest.mark.fault("F33", bound=60, errors=(BROKER_AWAY, "OutOfMemoryError|OOM command|readyz"))
def test_a_full_broker_is_told_of_and_recovers(stack, client, clock):
    """A full broker: uploads succeed, `/readyz` answers 503; with room everything continues.

    It ends Celery's worker, so the bound is that of a lost worker.
    """
    with held(stack.embedder) as hold:
        running, queued = running_and_queued(stack, client)
        with full(stack):
            meanwhile = endure(stack, client, 30, hold=hold, queued=queued, running=running)
            assert client.get("/readyz").status_code == 503
        with clock:
            until_moving(stack, running, queued)
            until(lambda: client.get("/readyz").status_code, lambda code: code == 200)
        until_available(stack, client, [*running, *queued, *meanwhile])


@pytest.mark.fault("F50", bound=3)
@pytest.mark.parametrize("sent", [True, False], ids=["message sent", "not sent"])
def test_a_cancel_needs_neither_worker_nor_broker(stack, client, clock, sent):
    """Cancel while no worker and no broker is up: CANCELLED at once, and it never runs."""
    with frozen(stack, "worker"):
        with nullcontext() if sent else frozen(stack, "valkey"):
            document = upload_in_time(stack, client, "unwanted.txt")
            task_id = document["task"]["id"]
            if sent:
                until(lambda: is_sent(stack, task_id), bool)
        with frozen(stack, "valkey"):
            with clock:
                answer = client.post(f"/api/tasks/{task_id}/cancel/")
            assert (answer.status_code, answer.json()["status"]) == (202, "CANCELLED")
            after = upload_in_time(stack, client, "wanted.txt")
    until_available(stack, client, [after])
    task = stack.task(client, document)
    assert (task["status"], task["started_at"]) == ("CANCELLED", None)
    assert {detail["started_at"] for detail in task["task_details"]} == {None}


def is_sent(stack, task_id):
    query = "SELECT sent_at FROM tasks_outboxmessage WHERE task_id = %s"
    with stack.database() as db:
        return db.execute(query, [task_id]).fetchone()[0]
