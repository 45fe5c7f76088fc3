"""What is used is counted once, by day and owner; who used up a day's tokens waits for the next."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from documents import search, usage
from documents.checks import times_agree
from documents.models import Chunk, Document, Usage
from documents.tests.embedding_server import body, vector
from tasks.models import OutboxMessage, Task
from tasks.tests.factories import at_once, run_all
from tasks.waits import Waker

pytestmark = pytest.mark.django_db
TEXT = "\n\n".join(f"# Part {n}\n\nThe word{n} is here." for n in range(6))


@pytest.fixture(autouse=True)
def small_batches(by_hand, settings):
    settings.EMBEDDING_BATCH_SIZE = 2


def upload(api, text=TEXT, name="a.md"):
    file = SimpleUploadedFile(name, text.encode())
    return api.post("/api/documents/", {"file": file}).json()["id"]


def process(document_id):
    task = Task.objects.filter(document_id=document_id).latest("created_at")
    run_all(task)
    return task


def used(owner):
    return Usage.objects.filter(owner=owner).values(*usage.COUNTS).get()


def test_a_document_is_counted_with_its_chunks_tokens_and_requests(api, user, embedder):
    process(upload(api))
    # The stand-in says one token for each text.
    assert used(user) == {"documents": 1, "chunks": 6, "tokens": 6, "requests": 3}
    assert embedder.requests == 3


def test_what_is_known_costs_nothing_again(api, user):
    document_id = upload(api)
    process(document_id)
    upload(api)  # the same bytes
    api.post(f"/api/documents/{document_id}/reprocess/")
    process(document_id)
    assert used(user) == {"documents": 1, "chunks": 12, "tokens": 6, "requests": 3}


def test_a_question_is_counted_for_who_asks_and_once(api, user):
    process(upload(api))
    for _ in range(2):
        search.search(owner_id=user.pk, query="word3", top_k=1)
    assert used(user)["requests"] == 4


def test_an_endpoint_that_tells_no_tokens_or_nonsense_is_estimated(api, user, embedder):
    def silent(request):
        found = body("m", [vector(text) for text in request["input"]], as_base64=True)
        found["usage"] = {"total_tokens": 10**12} if embedder.requests % 2 else None
        return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()

    embedder.misbehave = silent
    process(upload(api))
    assert 6 < used(user)["tokens"] < 200


def test_what_is_rolled_back_is_not_counted(user):
    with transaction.atomic():
        usage.add(user.pk, tokens=5)
        transaction.set_rollback(True)
    assert not Usage.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_counts_of_many_at_once_add_up(user):
    answers = at_once(*[lambda: usage.add(user.pk, tokens=1, requests=2)] * 8)
    assert answers == [None] * 8
    assert used(user) == {"documents": 0, "chunks": 0, "tokens": 8, "requests": 16}


def test_who_used_up_the_day_waits_and_says_why_and_goes_on_by_itself(api, user, settings):
    settings.EMBEDDING_DAILY_TOKENS = 3
    document_id = upload(api)
    task = process(document_id)
    step = task.task_details.get(step_type="EMBEDDING_GENERATION")
    assert (task.status, step.status, step.error_code) == ("RUNNING", "PENDING", "daily_budget")
    assert "used up" in step.error_message
    assert (step.failures, step.losses) == (0, 0)
    assert used(user)["tokens"] == 4  # a batch of two began while there was one left
    wait = OutboxMessage.objects.annotate(wait=F("due_at") - Now()).get().wait
    assert timedelta() < wait <= timedelta(days=1)
    assert wait_ends_at_midnight(wait)
    Usage.objects.update(day=F("day") - 1)  # the next day
    OutboxMessage.objects.update(due_at=Now())
    run_all(task)
    assert task.status == "COMPLETED"
    assert task.task_details.get(pk=step.pk).error_code is None


def wait_ends_at_midnight(wait):
    then = datetime.now(UTC) + wait + timedelta(seconds=30)
    return (then.hour, then.minute) == (0, 0)


def test_a_raised_budget_lets_it_go_on(api, settings):
    settings.EMBEDDING_DAILY_TOKENS = 3
    task = process(upload(api))
    assert Waker().wake() == 0
    settings.EMBEDDING_DAILY_TOKENS = 30
    assert Waker().wake() == 1
    run_all(task)
    assert task.status == "COMPLETED"


def test_a_budget_is_each_owners_and_search_goes_on(api, user, other_user, settings):
    process(upload(api))
    settings.EMBEDDING_DAILY_TOKENS = 3
    assert search.search(owner_id=user.pk, query="word2", top_k=1)
    theirs = Document.objects.create(
        owner=other_user, name="b", sha256="b" * 64, size=1, content_type="text/plain"
    )
    mine = Chunk.objects.first().document_id
    assert usage.over_budget(mine).owner_id == user.pk
    assert usage.over_budget(theirs.pk) is None
    assert [usage.has_tokens(each.pk) for each in (user, other_user)] == [False, True]


def test_the_api_tells_the_callers_own_use_by_day(api, user, other_user, settings):
    today = datetime.now(UTC).date()
    for owner, days, tokens in ((user, 0, 5), (user, 3, 7), (user, 40, 90), (other_user, 0, 80)):
        Usage.objects.create(owner=owner, day=today - timedelta(days=days), tokens=tokens)
    body = api.get("/api/usage/").json()
    assert body["today"] == {
        "day": today.isoformat(), "documents": 0, "chunks": 0, "tokens": 5, "requests": 0,
    }  # fmt: skip
    assert [day["tokens"] for day in body["days"]] == [5, 7]
    assert body["total"]["tokens"] == 12
    assert body["budget"] is None
    settings.EMBEDDING_DAILY_TOKENS = 20
    budget = api.get("/api/usage/").json()["budget"]
    tomorrow = today + timedelta(days=1)
    assert budget == {"tokens": 20, "left": 15, "resets_at": f"{tomorrow}T00:00:00Z"}
    older = today - timedelta(days=40)
    body = api.get(f"/api/usage/?from={older}&to={older}").json()
    assert (body["total"]["tokens"], body["today"]["tokens"]) == (90, 5)


@pytest.mark.parametrize(
    "query", ["from=yesterday", "from=2026-02-02&to=2026-02-01", "from=2020-01-01&to=2026-01-01"]
)
def test_a_period_that_is_none_is_refused(api, query):
    answer = api.get(f"/api/usage/?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")


def test_use_goes_with_its_owner_alone(api, user):
    document_id = upload(api)
    process(document_id)
    api.delete(f"/api/documents/{document_id}/")
    assert used(user)["chunks"] == 6
    user.delete()
    assert not Usage.objects.exists()


def test_staff_see_it_and_change_nothing(admin_client, user):
    usage.add(user.pk, tokens=41_234)
    page = admin_client.get("/admin/documents/usage/")
    assert "41234" in page.content.decode().replace(",", "")
    assert admin_client.get("/admin/documents/usage/add/").status_code == 403
    change = f"/admin/documents/usage/{Usage.objects.get().pk}/change/"
    assert 'name="_save"' not in admin_client.get(change).content.decode()


def test_a_budget_under_nothing_is_told(settings):
    settings.EMBEDDING_DAILY_TOKENS, settings.TASK_HEARTBEAT_SECONDS = -1, 1
    assert [problem.id for problem in times_agree(None)] == ["notebook.E021"]


def test_the_day_is_the_databases(user):
    usage.add(user.pk, tokens=1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT (now() AT TIME ZONE 'UTC')::date")
        assert Usage.objects.get().day == cursor.fetchone()[0]
