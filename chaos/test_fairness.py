"""F68-F70: fairness. A large import, a large file and a full queue delay nobody else."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from chaos.orders import held, unanswered
from chaos.stack import SLOTS, text
from notebook.tests.live import until

IMPORT = 300
LARGE = 3000  # paragraphs: more than BULK_FROM_KB


@contextmanager
def client_of(stack, name):
    """A client of another user."""
    made = f"filter(username='{name}') or u.objects.create_user('{name}', password='pw-of')"
    users = "from django.contrib.auth.models import User as u; u.objects."
    stack.manage("shell", "-c", users + made)
    with stack.client(name, "pw-of") as client:
        yield client


@pytest.fixture
def eve(stack):
    with client_of(stack, "eve") as client:
        yield client


def import_files(stack, client, count, **fields):
    """Upload many small files, four at a time; returns their documents."""

    def upload(number):
        files = {"file": (f"import-{number}.txt", text(1))}
        answer = client.post("/api/documents/", files=files, data=fields, timeout=60)
        assert answer.status_code == 201, answer.text
        return answer.json()

    with ThreadPoolExecutor(4) as hands:
        return list(hands.map(upload, range(count)))


def count(stack, query, *values):
    with stack.database() as db:
        return db.execute(query, values).fetchone()[0]


def steps_done(stack, documents):
    """How many steps of these documents are completed."""
    query = """
        SELECT count(*) FROM tasks_taskdetail d JOIN tasks_task t ON t.id = d.task_id
        WHERE d.status = 'COMPLETED' AND t.document_id = ANY(%s::uuid[])"""
    return count(stack, query, [document["id"] for document in documents])


@contextmanager
def cancelled_in_the_end(stack, documents, client):
    """Cancels the rest, so that nobody waits for it."""
    try:
        yield
    finally:
        stack.embedder.reset()
        live = set(stack.live_tasks()) & set(ids(documents))
        with ThreadPoolExecutor(4) as hands:
            list(hands.map(lambda task: client.post(f"/api/tasks/{task}/cancel/"), live))


@pytest.mark.fault("F68", bound=15)
@pytest.mark.parametrize("fields", [{}, {"bulk": "true"}], ids=["quick", "bulk"])
def test_an_import_of_hundreds_does_not_hold_up_another_owner(stack, client, eve, clock, fields):
    """300 files of one owner are waiting: another owner's upload is AVAILABLE in seconds."""
    stack.embedder.seconds_per_request = 0.5
    documents = import_files(stack, client, IMPORT, **fields)
    with cancelled_in_the_end(stack, documents, client):
        with clock:
            before = steps_done(stack, documents)
            mine = stack.upload(eve, "mine.txt", text(1))
            assert stack.until_done(eve, mine["id"])["status"] == "AVAILABLE"
            turns = steps_done(stack, documents) - before
        # By turns, not by the clock: for each of its six messages, what ran and what was sent.
        assert turns <= 6 * 2 * (SLOTS + 1)
        assert sum(task in stack.live_tasks() for task in ids(documents)) > IMPORT / 2


@pytest.mark.fault("F68", bound=15)
def test_imports_of_more_owners_than_slots_do_not_hold_up_another(stack, eve, clock):
    """Files of more owners than slots are waiting: another owner's upload is AVAILABLE in
    seconds."""
    stack.embedder.seconds_per_request = 0.5
    owners = [f"owner-{number}" for number in range(2 * SLOTS + 2)]
    with ExitStack() as held_open:
        documents = []
        for client in [held_open.enter_context(client_of(stack, name)) for name in owners]:
            found = import_files(stack, client, IMPORT // len(owners))
            held_open.enter_context(cancelled_in_the_end(stack, found, client))
            documents += found
        with clock:
            mine = stack.upload(eve, "mine.txt", text(1))
            assert stack.until_done(eve, mine["id"])["status"] == "AVAILABLE"
        assert sum(task in stack.live_tasks() for task in ids(documents)) > IMPORT / 2


def ids(documents):
    return [document["task"]["id"] for document in documents]


@pytest.mark.fault("F69", bound=15)
@pytest.mark.representative
def test_a_small_file_behind_large_ones_starts_at_once(stack, client, clock):
    """A small file behind three large ones of the same owner: AVAILABLE before any of them."""
    word = uuid.uuid4().hex
    large = [b"\n\n".join([word.encode() + text(1)] * LARGE) for _ in range(3)]
    with unanswered_for(stack.embedder, word):
        documents = [stack.upload(client, f"large-{n}.txt", each) for n, each in enumerate(large)]
        with cancelled_in_the_end(stack, documents, client):
            until(lambda: stack.embedder.requests, bool, seconds=60)
            with clock:
                small = stack.upload(client, "small.txt", text(1))
                assert stack.until_done(client, small["id"])["status"] == "AVAILABLE"
            assert set(ids(documents)) == set(stack.live_tasks())


@contextmanager
def unanswered_for(embedder, word):
    """Vectors of passages with this word are not sent before the block ends; others are."""
    with unanswered(embedder):
        wait = embedder.misbehave
        embedder.misbehave = lambda request: (
            wait(request) if any(word in each for each in request["input"]) else None
        )
        yield


@pytest.mark.fault("F70", bound=60)
def test_who_waits_is_told_where_and_it_goes_down(stack, client, clock):
    """Waiting files show their place and an estimate; places go down, all get processed."""
    for document in import_files(stack, client, 2):  # for a throughput to estimate from
        stack.until_done(client, document["id"])
    with both_slots_held(stack, client) as one:
        waiting = [stack.upload(client, f"waits-{number}.txt", text(1)) for number in range(6)]
        with clock:
            # The first is already at the broker: it is next, whatever else arrives.
            until_places(stack, client, waiting[1:], [1, 2, 3, 4, 5])
            with held(stack, "FILE_UPLOAD", "before_work") as first:
                one.release()
                first.until_there()
                until_places(stack, client, waiting[2:], [1, 2, 3, 4])
    for document in waiting:
        assert stack.until_done(client, document["id"])["status"] == "AVAILABLE"


@contextmanager
def both_slots_held(stack, client):
    """Two documents that don't continue; when the first is released, it ends and makes room."""
    with held(stack, "VECTOR_STORAGE", "before_work") as one:
        stack.upload(client, "one.txt", text(1))
        one.until_there()
        with held(stack, "EMBEDDING_GENERATION", "before_work") as other:
            stack.upload(client, "other.txt", text(1))
            other.until_there()
            yield one


def until_places(stack, client, documents, places):
    """Wait until each shows this place, with an estimate and no problem."""
    told = until(
        lambda: [queue(stack, client, document) for document in documents],
        lambda found: [each.get("position") for each in found] == places,
    )
    assert all(each["seconds"] > 0 and each["problem"] is None for each in told), told


def queue(stack, client, document):
    """The queue details of the first waiting step."""
    steps = stack.task(client, document)["task_details"]
    waiting = [step for step in steps if step["status"] == "PENDING"]
    return waiting[0]["details"].get("queue", {}) if waiting else {}
