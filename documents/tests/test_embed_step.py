"""What the step of embedding does to a document when the endpoint misbehaves."""

import time
from itertools import chain, repeat

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models.functions import Now

from documents import spaces
from documents.embeddings import client as embeddings
from documents.embeddings import gate
from documents.models import Chunk, Draft
from documents.steps import embed
from documents.tests.embedding_server import error
from tasks import runner, services, waits
from tasks.models import OutboxMessage, Task, TaskDetail
from tasks.tests.factories import run_all, send_nothing
from tasks.waits import Waker

pytestmark = pytest.mark.django_db
PARTS = 16
RATE_LIMITED = "The embedding service is limiting our requests. We try again by ourselves."
DOWN = "The embedding service can't be reached. We try again by ourselves."


@pytest.fixture(autouse=True)
def quiet(monkeypatch, settings, tmp_path, embedder):
    send_nothing(monkeypatch)
    monkeypatch.setattr(embeddings, "BACKOFF_SECONDS", 0.001)
    settings.MEDIA_ROOT = tmp_path
    settings.EMBEDDING_BATCH_SIZE = 8
    settings.TASK_SLICE_SECONDS = 600
    settings.TASK_HEARTBEAT_SECONDS = 3600  # another connection sees nothing of this transaction


def text():
    return "\n\n".join(
        f"# Part {n}\n\nThe word{n} is here, and nothing else." for n in range(PARTS)
    )


@pytest.fixture
def task(api):
    return upload(api, text())


def upload(api, content):
    file = SimpleUploadedFile("parts.md", content.encode())
    document_id = api.post("/api/documents/", {"file": file}).json()["id"]
    return Task.objects.get(document_id=document_id)


def run_until_parked(task):
    run_all(task)
    return TaskDetail.objects.get(task=task, step_type="EMBEDDING_GENERATION")


def go_on(task):
    """The time of what waits has come."""
    OutboxMessage.objects.filter(task=task).update(due_at=Now())
    return run_until_parked(task)


def until_it_waits(task):
    """For the endpoint, and no longer for its own next try."""
    run_until_parked(task)
    while not OutboxMessage.objects.get(task=task).waits_for:
        go_on(task)


def embedded(task):
    return Draft.objects.filter(task=task).exclude(embedding=None).count()


def seconds_until_due(task):
    message = OutboxMessage.objects.annotate(now=Now()).get(task=task)
    return (message.due_at - message.now).total_seconds()


def test_there_are_as_many_passages_as_these_tests_want(task, embedder):
    run_all(task)
    assert (task.status, len(embedder.texts)) == ("COMPLETED", PARTS)


def test_each_turn_brings_a_batch_however_long_the_database_takes_before(task, monkeypatch):
    left = chain(repeat(0, 50), repeat(600))
    monkeypatch.setattr(runner._Run, "seconds_left", lambda self: next(left))
    run_all(task)
    assert task.status == "COMPLETED"
    assert next(left) == 0  # it needed no longer turn


def test_what_was_asked_for_in_earlier_turns_is_counted_too(task, embedder, settings):
    settings.TASK_SLICE_SECONDS = 0
    run_all(task)
    step = TaskDetail.objects.get(task=task, step_type="EMBEDDING_GENERATION")
    counted = {"processed_chunks": PARTS, "total_chunks": PARTS, "embedded_chunks": PARTS}
    assert (embedder.requests, step.details) == (2, counted)


def test_a_turn_looks_up_no_more_than_it_may_have_time_for(task, embedder, settings, monkeypatch):
    monkeypatch.setattr(embed, "BATCHES", 1)
    settings.TASK_SLICE_SECONDS = 0
    looked_up, reuse = [], embed._reuse
    monkeypatch.setattr(embed, "_reuse", lambda *args: looked_up.append(args[-1]) or reuse(*args))
    run_all(task)
    task.refresh_from_db()
    assert (task.status, len(embedder.texts)) == ("COMPLETED", PARTS)
    assert looked_up == [(0, 7), (8, 15), (8, 15)]  # the first turn ended before its second part


def test_a_text_that_comes_again_much_later_is_paid_for_once(api, embedder, monkeypatch):
    monkeypatch.setattr(embed, "BATCHES", 1)
    again = "\n\n".join(f"# Part\n\nThe word{n % 8} is here, and nothing else." for n in range(24))
    upload = SimpleUploadedFile("again.md", again.encode())
    document_id = api.post("/api/documents/", {"file": upload}).json()["id"]
    task = Task.objects.get(document_id=document_id)
    run_all(task)
    task.refresh_from_db()
    chunks = Chunk.objects.filter(document_id=document_id)
    assert (task.status, chunks.count(), len(embedder.texts)) == ("COMPLETED", 24, 8)


def test_each_text_is_looked_up_once_whatever_the_planner_believes(api, embedder):
    """Of a table that has just been filled it knows nothing, and may choose the worst plan."""
    again = "\n\n".join(f"# Part\n\nThe word{n % 4} is here, and nothing else." for n in range(12))
    upload = SimpleUploadedFile("again.md", again.encode())
    task = Task.objects.get(document_id=api.post("/api/documents/", {"file": upload}).json()["id"])
    embedder.misbehave = lambda request: error(429, **{"Retry-After": "20"})
    run_until_parked(task)
    with connection.cursor() as cursor:
        for better in ("hashjoin", "mergejoin", "indexscan", "bitmapscan", "material", "memoize"):
            cursor.execute(f"SET LOCAL enable_{better} = off")
        values = {"task": task.pk, "space": spaces.active().pk, "first": 0, "last": 11}
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {embed._REUSE}", values)
        plan = cursor.fetchone()[0][0]["Plan"]
    looked_up = [each["Actual Loops"] for each in below(plan) if each.get("Subplan Name")]
    assert looked_up
    assert max(looked_up) == 4


def below(plan):
    """All nodes of a plan."""
    yield plan
    for each in plan.get("Plans", ()):
        yield from below(each)


def test_429_for_hours_costs_no_try_and_the_document_is_done_at_its_end(task, embedder):
    embedder.misbehave = lambda request: error(429, **{"Retry-After": "20"})
    run_until_parked(task)
    for times in range(2, 41):
        assert Waker().wake() == 0  # while the hold lasts
        gate.reset()  # the hold is over
        assert Waker().wake() == 1
        detail = run_until_parked(task)
        assert (detail.status, detail.failures, detail.error_message) == (
            "PENDING", 0, RATE_LIMITED,
        )  # fmt: skip
        assert embedder.requests == times
    gate.reset()
    embedder.misbehave = lambda request: None
    assert Waker().wake() == 1
    run_all(task)
    assert (task.status, Chunk.objects.count()) == ("COMPLETED", PARTS)
    assert len(embedder.texts) == PARTS


def test_what_waits_for_the_operators_limit_is_not_woken_before_it_allows(task, embedder, settings):
    settings.EMBEDDING_REQUESTS_PER_MINUTE = 1
    embeddings.embed_query("the request of this minute")
    detail = run_until_parked(task)
    assert (detail.status, detail.error_message, embedder.requests) == ("PENDING", RATE_LIMITED, 1)
    assert [Waker().wake(), Waker().wake()] == [0, 0]
    settings.EMBEDDING_REQUESTS_PER_MINUTE = 0
    assert Waker().wake() == 1
    run_all(task)
    assert task.status == "COMPLETED"


def test_a_dead_endpoint_parks_the_document_and_asks_no_more(task, embedder, settings):
    settings.EMBEDDING_BREAKER_SECONDS = 300
    embedder.misbehave = lambda request: error(502)
    detail = run_until_parked(task)
    assert (detail.status, detail.failures) == ("PENDING", 1)
    for _ in range(10):
        detail = go_on(task)
        assert (detail.status, detail.failures, detail.error_message) == ("PENDING", 1, DOWN)
        assert seconds_until_due(task) > 200
    assert embedder.requests == 6
    embedder.misbehave = lambda request: None
    gate.reset()
    go_on(task)
    assert task.status == "COMPLETED"


def test_all_that_wait_for_a_dead_endpoint_go_on_when_a_single_probe_is_answered(
    task, api, embedder, settings
):
    settings.EMBEDDING_BREAKER_SECONDS = 300
    tasks = [task, upload(api, text() + "again")]
    embedder.misbehave = lambda request: error(502)
    for each in tasks:
        until_it_waits(each)
    asked = embedder.requests
    assert [seconds_until_due(each) > 3000 for each in tasks] == [True, True]
    assert (Waker().wake(), embedder.requests) == (0, asked)  # it is not time to ask
    the_breaker_is_due()
    assert (Waker().wake(), embedder.requests) == (0, asked + 1)
    assert (Waker().wake(), embedder.requests) == (0, asked + 1)
    embedder.misbehave = lambda request: None
    the_breaker_is_due()
    assert (Waker().wake(), embedder.requests) == (2, asked + 2)
    for each in tasks:
        run_all(each)
    assert [each.status for each in tasks] == ["COMPLETED", "COMPLETED"]


def test_while_the_endpoint_limits_us_what_waits_for_it_stays(task, embedder):
    embedder.misbehave = lambda request: error(502)
    until_it_waits(task)
    embedder.misbehave = lambda request: error(429, **{"Retry-After": "20"})
    the_breaker_is_due()
    assert Waker().wake() == 0
    assert not gate.state()["open"]
    assert Waker().wake() == 0  # it is back, but not to be asked yet


def test_who_waits_for_the_endpoint_of_a_space_that_was_dropped_finds_out(db):
    assert waits.is_there("endpoint:0") is True


def the_breaker_is_due():
    gate._valkey().hset(gate._key(), "open_until", 1)


def test_a_text_that_always_fails_fails_its_document_alone(task, embedder, settings):
    embedder.misbehave = lambda request: (
        error(500) if any("word9" in text for text in request["input"]) else None
    )
    while task.status not in ("FAILED", "COMPLETED"):
        embeddings.embed_query("others go on")
        go_on(task)
        assert not gate.state()["open"]
    assert (task.status, task.error_code) == ("FAILED", "embedding_unavailable")
    assert embedder.requests < 2 * settings.TASK_MAX_FAILURES * (embeddings.TRIES + 2)
    assert embedded(task) == 8  # the first batch is kept for a retry


def test_an_unusable_answer_is_tried_twice_more_and_nothing_is_stored(task, embedder):
    embedder.misbehave = lambda request: (
        200,
        {"Content-Type": "application/json"},
        b'{"data": [1]}',
    )
    run_until_parked(task)
    while task.status not in ("FAILED", "COMPLETED"):
        go_on(task)
    assert (task.status, task.error_code) == ("FAILED", "embedding_invalid")
    assert embedder.requests == 3
    assert (embedded(task), Chunk.objects.count()) == (0, 0)


def test_a_batch_that_is_too_long_is_halved_until_it_fits(task, embedder):
    embedder.misbehave = lambda request: error(400) if len(request["input"]) > 2 else None
    run_all(task)
    assert task.status == "COMPLETED"
    assert len(embedder.texts) == PARTS
    assert embedder.requests == 2 * 7


def test_a_single_text_that_is_refused_fails_and_what_was_paid_for_stays(task, embedder):
    embedder.misbehave = lambda request: (
        error(400) if any("word5" in text for text in request["input"]) else None
    )
    run_all(task)
    assert (task.status, task.error_code) == ("FAILED", "embedding_refused")
    assert embedded(task) == 5
    embedder.misbehave = lambda request: None
    services.retry(task.pk)
    run_all(task)
    assert task.status == "COMPLETED"
    assert sorted(embedder.texts) == sorted(set(embedder.texts))
    assert len(embedder.texts) == PARTS


def test_an_endpoint_that_refuses_everything_is_asked_a_few_times_only(task, embedder):
    embedder.misbehave = lambda request: error(400)
    run_all(task)
    assert (task.status, task.error_code) == ("FAILED", "embedding_refused")
    assert embedder.requests == 4  # 8, 4, 2, 1


@pytest.mark.parametrize(
    ("status", "code"), [(401, "embedding_auth"), (403, "embedding_auth"), (404, "model_not_found")]
)
def test_what_only_the_operator_can_mend_fails_at_once(task, embedder, status, code):
    embedder.misbehave = lambda request: error(status)
    run_all(task)
    assert (task.status, task.error_code, embedder.requests) == ("FAILED", code, 1)


def test_a_cancel_ends_the_wait_for_an_answer(task, embedder, monkeypatch):
    monkeypatch.setattr(runner._Run, "stopped", lambda self: embedder.requests > 0)
    embedder.misbehave = lambda request: lambda handler: handler.connection.recv(1)  # never speaks
    began = time.monotonic()
    detail = run_until_parked(task)
    assert time.monotonic() - began < 30  # not EMBEDDING_TIMEOUT_SECONDS
    assert detail.status == "RUNNING"  # whoever took it away says what becomes of it
    assert embedder.requests == 1


def test_progress_forgives_earlier_failures(task, embedder, settings):
    settings.EMBEDDING_BATCH_SIZE = 1
    TaskDetail.objects.filter(task=task).update(failures=7)
    embedder.misbehave = lambda request: error(429) if len(embedder.texts) == 3 else None
    detail = run_until_parked(task)
    assert (embedded(task), detail.failures) == (3, 0)


@pytest.mark.parametrize(
    ("trouble", "code", "retry_after"),
    [
        (gate.probe_failed, "embedding_unavailable", 30),
        (lambda: gate.limited(77), "rate_limited", 77),
    ],
)
def test_a_search_is_told_at_once_when_to_come_back(
    task, api, embedder, trouble, code, retry_after
):
    run_all(task)
    trouble()
    asked = embedder.requests
    response = api.post("/api/search/", {"query": "word3"}, format="json")
    assert (response.status_code, response.json()["code"]) == (503, code)
    assert retry_after - 15 <= int(response["Retry-After"]) <= retry_after
    assert embedder.requests == asked
