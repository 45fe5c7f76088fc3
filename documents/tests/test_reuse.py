"""Nobody pays twice for a text, and nobody learns from what they pay what others have."""

import hashlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from documents import planning, search
from documents.models import Chunk, KeptVector, Usage
from documents.services import delete_document
from documents.steps.embed import embedded_text
from documents.tests.searchable import make_document
from tasks.models import Task, TaskDetail
from tasks.tests.factories import run_all

pytestmark = pytest.mark.django_db
TEXT = "\n\n".join(f"# Part {n}\n\nThe word{n} is a secret of ours." for n in range(4))


@pytest.fixture(autouse=True)
def kept_warm(by_hand, monkeypatch):
    monkeypatch.setattr(planning, "_rest", lambda: None)  # the sandbox is all tests'


@pytest.fixture
def other(other_user):
    client = APIClient()
    client.force_login(other_user)
    return client


def a_file(text):
    return {"file": SimpleUploadedFile("a.md", text.encode())}


def upload(client, text=TEXT):
    return process(client.post("/api/documents/", a_file(text)).json()["id"])


def process(document_id):
    task = Task.objects.filter(document_id=document_id).latest("created_at")
    run_all(task)
    assert task.status == "COMPLETED"
    return task


def told(client, owner, task):
    """What plan, usage and the step tell of what was known."""
    step = TaskDetail.objects.get(task=task, step_type="EMBEDDING_GENERATION")
    tokens = sum(Usage.objects.filter(owner=owner).values_list("tokens", flat=True))
    return tokens, step.details["embedded_chunks"]


def known(client, text=TEXT):
    return client.post("/api/documents/plan/", a_file(text)).json()["known_chunks"]


def test_what_others_have_is_not_told_by_plan_usage_or_step(api, other, other_user):
    upload(api)
    assert known(other) == 0
    # Other bytes, the same passages.
    assert told(other, other_user, upload(other, TEXT + "\n")) == (4, 4)


def test_a_vector_that_is_kept_or_a_draft_of_another_owner_is_not_used(
    api, other, other_user, settings, embedder
):
    settings.EMBEDDING_CACHE_DAYS = 1
    delete_document(upload(api).document_id)
    assert KeptVector.objects.count() == 4
    embedder.misbehave = lambda request: (401, {}, b"{}") if "word3" in str(request) else None
    settings.EMBEDDING_BATCH_SIZE = 1
    draft = api.post("/api/documents/", a_file(TEXT + "\n\n# More")).json()["id"]
    run_all(Task.objects.get(document_id=draft))
    embedder.reset()
    assert known(other) == 0
    assert told(other, other_user, upload(other)) == (4, 4)


def test_a_texts_owner_pays_once_for_all_its_documents(api, user):
    upload(api)
    assert known(api) == 4
    assert told(api, user, upload(api, TEXT + "\n")) == (4, 0)


def test_where_owners_share_a_text_is_paid_once_for_all(api, other, other_user, settings):
    settings.EMBEDDING_REUSE_ACROSS_OWNERS = True
    upload(api)
    assert known(other) == 4
    assert told(other, other_user, upload(other)) == (0, 0)


@pytest.mark.parametrize("shared", [True, False])
def test_a_question_that_others_asked_costs_what_any_other_does(
    user, other_user, embedder, settings, shared
):
    settings.EMBEDDING_REUSE_ACROSS_OWNERS = shared
    for owner in (user, other_user):
        make_document(owner, "a", ["storm"])
        for _ in range(2):
            search.search(owner_id=owner.pk, query="storm", top_k=1)
    assert Usage.objects.filter(owner=other_user, requests=1).exists() is not shared


@pytest.fixture
def of_before(api):
    """A document whose digests are of its texts alone, as earlier versions made them."""
    task = upload(api)
    for chunk in Chunk.objects.all():
        chunk.digest = hashlib.sha256(embedded_text(chunk.context, chunk.text).encode()).digest()
        chunk.save(update_fields=["digest"])
    return task.document_id


def test_a_document_of_before_is_found_and_folded_with_its_copies(api, of_before):
    upload(api, TEXT + "\n")
    asked = {"query": "word2", "distinct": True, "top_k": 1}
    (hit,) = api.post("/api/search/", asked, format="json").json()["results"]
    assert len(hit["copies"]) == 1


def test_a_document_of_before_keeps_its_chunks_ids_and_pays_once_more(api, user, of_before):
    before = set(Chunk.objects.values_list("pk", flat=True))
    for asked in (4, 0):
        api.post(f"/api/documents/{of_before}/reprocess/")
        assert told(api, user, process(of_before)) == (8, asked)
    assert set(Chunk.objects.values_list("pk", flat=True)) == before
