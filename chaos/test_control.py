"""F49: cancels at the worst moments, over API and socket, by many clients at once."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import psutil
import pytest

from chaos.orders import held, unanswered
from chaos.probes import readers
from chaos.stack import text
from chaos.test_kill_points import STEPS
from notebook.tests.live import until

EMBEDDING, STORAGE = "EMBEDDING_GENERATION", "VECTOR_STORAGE"
TAKEN_AWAY = '"event": "step_taken_away"'


# --- Two ways to cancel. Each is opened beforehand, and says "won" or "too late" ------------------
@contextmanager
def over_rest(stack, document):
    def cancel():
        answer = client.post(f"/api/tasks/{document['task']['id']}/cancel/")
        if answer.status_code == 202:
            assert answer.json()["status"] == "CANCELLED"
            return "won"
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")
        return "too late"

    with stack.client() as client:
        client.get("/healthz")  # connects
        yield cancel


@contextmanager
def over_the_socket(stack, document):
    def cancel():
        socket.send('{"command": "cancel"}')
        while (said := json.loads(socket.recv(timeout=30))).get("command") != "cancel":
            continue
        return {"accepted": "won", "already_finished": "too late"}[said["result"]]

    with stack.socket(document["task"]["socket"]) as socket:
        yield cancel


WAYS = [over_rest, over_the_socket]


def assert_cancelled(stack, client, document):
    """Finally cancelled: the rows say so, and search finds no passage of it."""
    task = stack.task(client, document)
    assert task["status"] == "CANCELLED"
    assert {step["status"] for step in task["task_details"]} <= {"COMPLETED", "CANCELLED"}
    shown = client.get(f"/api/documents/{document['id']}/").json()
    assert (shown["status"], shown["chunk_count"]) == ("CANCELLED", 0)
    assert client.get(f"/api/documents/{document['id']}/chunks/").json()["results"] == []
    found = client.post("/api/search/", json={"query": document["name"]}).json()["results"]
    assert document["id"] not in {hit["document"]["id"] for hit in found}


# --- F49 ------------------------------------------------------------------------------------------
@pytest.mark.fault("F49", bound=5)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_cancelled_before_it_starts_never_starts(stack, client, clock, way):
    """Cancel before the start: CANCELLED at once, and no worker ever touches it."""
    stack.freeze("worker")
    document = stack.upload(client, "early.txt", text())
    with way(stack, document) as cancel, clock:
        assert cancel() == "won"
        assert_cancelled(stack, client, document)
    stack.thaw("worker")
    later = stack.upload(client, "later.txt", text())
    assert stack.until_done(client, later["id"])["status"] == "AVAILABLE"
    assert_cancelled(stack, client, document)
    begun = [stack.detail(document["task"]["id"], step)["started_at"] for step in STEPS]
    assert begun == [None] * len(STEPS)


def steps_and_ways():
    for step in STEPS:
        for way in WAYS:
            often = step == EMBEDDING and way is over_the_socket
            marks = [pytest.mark.representative] if often else []
            yield pytest.param(step, way, marks=marks, id=f"{step} {way.__name__}")


@pytest.mark.fault("F49", bound=5)
@pytest.mark.parametrize(("step", "way"), [*steps_and_ways()])
def test_a_cancel_in_the_middle_of_a_step_ends_it(stack, client, clock, step, way):
    """Cancel while a step works: CANCELLED at once; whatever the step still does has no effect."""
    # In its second half the last step holds the row's lock: that is the last moment, below.
    point = "before_work" if step == STORAGE else "mid_work"
    with held(stack, step, point) as here:
        document = stack.upload(client, f"{step}.{way.__name__}.txt", text(40))
        here.until_there()
        with way(stack, document) as cancel, clock:
            assert cancel() == "won"
            assert_cancelled(stack, client, document)
    until(lambda: stack.logs("worker"), lambda said: TAKEN_AWAY in said)
    assert_cancelled(stack, client, document)


@pytest.mark.fault("F49", bound=5)
@pytest.mark.parametrize("deed", ["loop_in_c", "fork_and_stay"])
def test_a_cancel_ends_the_reader_and_all_it_has_started(stack, client, clock, deed):
    """Cancel while a reader loops or has started processes: all of them are gone in 5 s."""
    document = stack.upload(client, "reading.txt", text(say=f"DEED {deed}"))
    wanted = 2**7 if deed == "fork_and_stay" else 1
    at_work = until(lambda: readers(stack), lambda found: len(found) >= wanted)
    with over_rest(stack, document) as cancel, clock:
        assert cancel() == "won"
        until(lambda: [each for each in at_work if not gone(each)], lambda left: not left)
    assert_cancelled(stack, client, document)
    good = stack.upload(client, "good.txt", text())
    assert stack.until_done(client, good["id"])["status"] == "AVAILABLE"


def gone(process):
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.fault("F49", bound=10)
@pytest.mark.parametrize("way", WAYS)
def test_a_cancel_that_comes_after_the_last_commit_began_is_too_late(stack, client, clock, way):
    """Cancel during the last commit: it waits for the commit, then answers "too late"."""
    with held(stack, STORAGE, "before_commit") as here, ThreadPoolExecutor(1) as other:
        document = stack.upload(client, "last.txt", text(20))
        here.until_there()
        with way(stack, document) as cancel, clock:
            answer = other.submit(cancel)
            until(lambda: waiting_for_a_lock(stack), bool)
            here.release()
            assert answer.result(10) == "too late"
    assert stack.until_done(client, document["id"])["status"] == "AVAILABLE"


def waiting_for_a_lock(stack):
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with stack.database() as db:
        return db.execute(query).fetchone()[0]


@pytest.mark.fault("F49", bound=10)
@pytest.mark.parametrize("way", WAYS)
def test_either_the_cancel_wins_or_the_end_and_the_answer_says_which(
    stack, client, clock, rng, way
):
    """Cancel in the last 50 ms, ten times: the answer always matches the task's fate."""
    for round_number in range(10):
        with held(stack, STORAGE, "before_work") as here:
            document = stack.upload(client, f"race-{round_number}.txt", text())
            here.until_there()
            with way(stack, document) as cancel, clock:
                here.release()
                threading.Event().wait(rng.uniform(0, 0.05))
                answer = cancel()
                done = stack.until_done(client, document["id"])
            assert (answer, done["status"]) in {("won", "CANCELLED"), ("too late", "AVAILABLE")}
        if answer == "won":
            assert_cancelled(stack, client, document)


@pytest.mark.fault("F49", bound=10)
def test_one_of_many_cancels_wins(stack, client, clock):
    """Ten cancels at once over both ways, then one more by each: exactly one wins."""
    with unanswered(stack.embedder), ExitStack() as ways, ThreadPoolExecutor(10) as hands:
        document = stack.upload(client, "many.txt", text())
        stack.until_step(document["task"]["id"], EMBEDDING, "RUNNING")
        cancels = [ways.enter_context(way(stack, document)) for way in WAYS * 5]
        with clock:
            answers = [each.result(10) for each in [hands.submit(cancel) for cancel in cancels]]
            assert sorted(answers) == ["too late"] * 9 + ["won"]
            assert [cancel() for cancel in cancels[:2]] == ["too late"] * 2
    assert_cancelled(stack, client, document)


@pytest.mark.fault("F49", bound=5)
@pytest.mark.parametrize("way", WAYS)
def test_what_has_ended_is_not_cancelled(stack, client, clock, way):
    """Cancel after the end: too late, and the task does not change."""
    document = stack.upload(client, "ended.txt", text())
    stack.until_done(client, document["id"])
    before = stack.task(client, document)
    with way(stack, document) as cancel, clock:
        assert cancel() == "too late"
        assert stack.task(client, document) == before
