"""F43, F46-F48: an embedding endpoint that limits us, refuses us, or sends nonsense."""

import json
import subprocess
import sys
import time

import pytest

from chaos.stack import text
from documents.embeddings.gate import PROBE
from documents.tests.embedding_server import DIMENSIONS, body, error, vector
from notebook.tests.live import PROJECT, START_SECONDS, start_supervisor, until

EMBEDDING = "EMBEDDING_GENERATION"
BATCH = 8  # EMBEDDING_BATCH_SIZE of the stack
KEY = "sk-test-not-a-secret"
JSON = {"Content-Type": "application/json"}


def forget_the_gate(stack):
    """Resets the gate, as if nobody had ever sent a request."""
    with stack.broker() as valkey:
        for key in valkey.scan_iter("notebook:embedding:*"):
            valkey.delete(key)


@pytest.fixture(autouse=True)
def fresh_gate(stack):
    forget_the_gate(stack)
    yield
    stack.embedder.reset()
    forget_the_gate(stack)


def assert_paid_once(stack, documents):
    wanted = sum(document["chunk_count"] for document in documents)
    assert len(stack.embedder.texts) == len(set(stack.embedder.texts)) == wanted


def assert_nobody_failed(stack, documents):
    for document in documents:
        row = stack.detail(document["task"]["id"], EMBEDDING)
        assert (document["status"], row["failures"], row["losses"]) == ("AVAILABLE", 0, 0)


# --- F43: 429 -------------------------------------------------------------------------------------
@pytest.mark.fault("F43", bound=30)
@pytest.mark.parametrize("retry_after", ["1", "6"])
def test_a_rate_limit_is_obeyed_by_all_and_costs_nobody(stack, client, clock, retry_after):
    """429 with Retry-After, short and long: no requests before its end, all end AVAILABLE."""
    limited = []

    def misbehave(request):
        if not limited:
            limited.append(time.monotonic())
            return error(429, **{"Retry-After": retry_after})
        return None

    stack.embedder.misbehave = misbehave
    with clock:
        documents = [stack.upload(client, f"{n}.txt", text(12)) for n in range(4)]
        documents = [stack.until_done(client, document["id"]) for document in documents]
    assert_nobody_failed(stack, documents)
    assert_paid_once(stack, documents)
    later = [asked - limited[0] for asked in stack.embedder.requested if asked > limited[0]]
    # One more may have been in flight when the answer was sent.
    assert sum(seconds < float(retry_after) - 0.1 for seconds in later) <= 1
    assert stack.embedder.requests <= 1 + sum(-(-d["chunk_count"] // BATCH) for d in documents)


@pytest.mark.fault("F43", bound=30)
@pytest.mark.representative
def test_a_limit_of_an_hour_frees_the_worker_and_says_so(stack, client, clock):
    """429 with an hour of Retry-After: parked with the reason; other work continues, cancel
    works."""
    known = text(3)
    twin = stack.until_done(client, stack.upload(client, "twin.txt", known)["id"])
    assert twin["status"] == "AVAILABLE"
    stack.embedder.reset()
    stack.embedder.misbehave = lambda request: error(429, **{"Retry-After": "3600"})
    with clock:
        parked = [stack.upload(client, f"parked-{n}.txt", text(12)) for n in range(2)]
        for document in parked:
            until(lambda: stack.detail(document["task"]["id"], EMBEDDING), is_parked)  # noqa: B023
            assert waited_for(stack, document).startswith("endpoint:")
            assert 3600 < seconds_until_due(stack, document) <= 7200
        assert stack.embedder.requests <= 2  # of two workers
        # What needs no new vector is finished meanwhile.
        free = stack.upload(client, "free.txt", known + b"\n")
        assert stack.until_done(client, free["id"])["status"] == "AVAILABLE"
        for document in parked:
            answer = client.post(f"/api/tasks/{document['task']['id']}/cancel/")
            assert answer.json()["status"] == "CANCELLED"


def is_parked(row):
    said = row["error_message"] or ""
    return row["status"] == "PENDING" and row["failures"] == 0 and "limiting" in said


def waited_for(stack, document):
    query = "SELECT waits_for FROM tasks_outboxmessage WHERE task_id = %s"
    with stack.database() as db:
        return db.execute(query, [document["task"]["id"]]).fetchone()[0]


def seconds_until_due(stack, document):
    query = "SELECT extract(epoch FROM due_at - now()) FROM tasks_outboxmessage WHERE task_id = %s"
    with stack.database() as db:
        return db.execute(query, [document["task"]["id"]]).fetchone()[0]


@pytest.mark.fault("F43", bound=60)
def test_a_limit_that_names_no_end_is_tried_more_and_more_seldom(stack, client, clock):
    """429 without Retry-After for 10 s: few requests, no failure counted, all end AVAILABLE."""
    began = time.monotonic()
    stack.embedder.misbehave = lambda request: error(429) if time.monotonic() - began < 10 else None
    with clock:
        documents = [stack.upload(client, f"{n}.txt", text(12)) for n in range(4)]
        documents = [stack.until_done(client, document["id"]) for document in documents]
    assert_nobody_failed(stack, documents)
    assert_paid_once(stack, documents)
    refused = [asked for asked in stack.embedder.requested if asked - began < 10]
    assert 2 <= len(refused) <= 12


# --- F46: what only the operator can fix ----------------------------------------------------------
@pytest.mark.fault("F46", bound=15)
@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "embedding_auth"), (403, "embedding_auth"), (404, "model_not_found")],
)
def test_a_refusal_for_good_fails_at_once_and_tells_no_key(stack, client, clock, status, code):
    """401, 403, 404: FAILED with its code after one request; no log or row contains the key."""
    assert stack.environment["OPENAI_API_KEY"] == KEY
    echo = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}."}}).encode()
    stack.embedder.misbehave = lambda request: (status, JSON, echo)
    with clock:
        document = stack.upload(client, f"{status}.txt", text(3))
        failed = stack.until_done(client, document["id"])
    assert (failed["status"], failed["error_code"], failed["chunk_count"]) == ("FAILED", code, 0)
    assert stack.embedder.requests == 1
    assert KEY not in json.dumps([failed, stack.task(client, failed)])
    for path in [stack.output, *(stack.data_dir / "logs").glob("*.log")]:
        assert KEY not in path.read_text(errors="replace"), path


# --- F47: malformed answers -----------------------------------------------------------------------
def changed(change):
    """A correct answer except for `change`, which may return another."""

    def reply(request):
        vectors = [vector(text) for text in request["input"]]
        found = body(request["model"], vectors, as_base64=False)
        found = change(found) or found
        return 200, JSON, json.dumps(found).encode()

    return reply


def with_first(values):
    return changed(lambda found: found["data"][0].update(embedding=values))


def with_number(number):
    """Its first number replaced in the JSON text, also by what only Python's `json` would
    accept."""
    return with_first([number, *[0.1] * (DIMENSIONS - 1)])


def plain(content, kind="application/json"):
    return lambda request: (200, {"Content-Type": kind}, content)


MALFORMED = {
    "NaN": with_number(float("nan")),
    "infinity": with_number(float("inf")),
    "zero": with_first([0.0] * DIMENSIONS),
    "too few dimensions": with_first([0.1] * (DIMENSIONS - 1)),
    "too many dimensions": with_first([0.1] * (DIMENSIONS + 1)),
    "fewer": changed(lambda found: found["data"].pop()),
    "more": changed(lambda found: found["data"].append({**found["data"][0], "index": 99})),
    "duplicate index": changed(lambda found: found["data"][-1].update(index=0)),
    "no data": changed(lambda found: {**found, "data": []}),
    "data null": changed(lambda found: {**found, "data": None}),
    "a list": plain(b"[]"),
    "HTML": plain(b"<html><body>Welcome</body></html>", "text/html"),
    "empty": plain(b""),
    "half of it": plain(b'{"object": "list", "data": [{"ind'),
    "huge": plain(b'{"data": "' + b"x" * 30_000_000 + b'"}'),
}


@pytest.mark.fault("F47", bound=40)
@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_answer_is_tried_twice_more_and_nothing_is_stored(stack, client, clock, name):
    """A malformed answer: two more attempts, then FAILED `embedding_invalid`; nothing is stored."""
    texts = []

    def misbehave(request):
        if PROBE in request["input"]:
            return None
        texts.append(request["input"])
        return MALFORMED[name](request)

    stack.embedder.misbehave = misbehave
    with clock:
        document = stack.upload(client, f"{name}.txt", text(4))
        failed = stack.until_done(client, document["id"])
    assert (failed["status"], failed["error_code"]) == ("FAILED", "embedding_invalid")
    assert len(texts) == 3
    assert vectors_kept(stack, document) == 0
    stack.embedder.misbehave = lambda request: None
    client.post(f"/api/tasks/{failed['task']['id']}/retry/").raise_for_status()
    assert stack.until_done(client, document["id"])["status"] == "AVAILABLE"


def vectors_kept(stack, document):
    query = """
        SELECT (SELECT count(*) FROM documents_chunk WHERE document_id = %(id)s)
        + (SELECT count(*) FROM documents_draft WHERE document_id = %(id)s
           AND embedding IS NOT NULL)"""
    with stack.database() as db:
        return db.execute(query, {"id": document["id"]}).fetchone()[0]


@pytest.mark.fault("F47", bound=15)
def test_a_reordered_answer_is_put_in_order(stack, client, clock):
    """An answer in a different order than the request: each passage gets its own vector."""
    stack.embedder.misbehave = changed(lambda found: found["data"].reverse())
    with clock:
        document = stack.upload(client, "reordered.txt", text(20))
        assert stack.until_done(client, document["id"])["status"] == "AVAILABLE"
    stack.embedder.misbehave = lambda request: None
    with stack.database() as db:
        query = """SELECT context, text, embedding::text FROM documents_chunk chunk
            JOIN documents_chunkvector v ON v.chunk_id = chunk.id WHERE chunk.document_id = %s"""
        rows = db.execute(query, [document["id"]]).fetchall()
    assert len(rows) > 2
    for context, passage, found in rows:
        seen = f"{context}\n{passage}" if context else passage
        assert json.loads(found) == pytest.approx(vector(seen), abs=1e-3)


# --- F48 ------------------------------------------------------------------------------------------
REFUSAL = f"EMBEDDING_DIMENSIONS is 512, but the database holds vectors of {DIMENSIONS}"


@pytest.mark.fault("F48", bound=60)
def test_other_dimensions_than_the_databases_are_refused_at_the_start(stack, client, clock):
    """Changed EMBEDDING_DIMENSIONS: check and start refuse with the reason; restored, all works."""
    document = stack.upload(client, "kept.txt", text(3))
    chunks = stack.until_done(client, document["id"])["chunk_count"]
    other = stack.environment | {"EMBEDDING_DIMENSIONS": "512"}
    command = [sys.executable, "manage.py", "check", "--database", "default"]
    given = {"cwd": PROJECT, "capture_output": True, "text": True, "timeout": 60}
    checked = subprocess.run(command, check=False, env=other | stack.runtime, **given)
    assert checked.returncode != 0
    assert REFUSAL in checked.stderr
    stack.stop()
    with clock:
        refused = start_supervisor(other, stack.output)
        try:
            assert refused.wait(START_SECONDS) != 0
        finally:
            refused.terminate()
            refused.wait(60)
    assert REFUSAL in (stack.data_dir / "logs" / "prepare.log").read_text()
    stack.start()
    with stack.client() as again:
        assert again.get(f"/api/documents/{document['id']}/").json()["chunk_count"] == chunks
    with stack.database() as db:
        found = db.execute("SELECT DISTINCT vector_dims(embedding) FROM documents_chunkvector")
        assert found.fetchall() == [(DIMENSIONS,)]
