"""From one model to another: nothing is paid twice, nothing is found wrongly, nothing is lost."""

from datetime import timedelta
from io import StringIO
from itertools import cycle

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from documents import checks, graphs, search, spaces, switching
from documents.embeddings import gate as embedding_gate
from documents.exceptions import EmbeddingModelUnknown, SpaceInUse, SwitchRunning
from documents.models import Chunk, ChunkVector, Draft, EmbeddingSpace, KeptVector
from documents.search import vectors
from documents.services import delete_document, reprocess_document
from documents.steps import reembed
from documents.tests import embedding_server
from documents.tests.embedding_server import error
from documents.tests.searchable import analyze, make_document
from tasks import runner, services
from tasks.models import OutboxMessage, Task
from tasks.tests.factories import run_all

pytestmark = pytest.mark.django_db
TEXTS = [f"word{n} and nothing else" for n in range(40)]


@pytest.fixture(autouse=True)
def quiet(by_hand, settings, monkeypatch):
    settings.TASK_SLICE_SECONDS = 600
    settings.EMBEDDING_BATCH_SIZE = 8
    monkeypatch.setattr(reembed, "GRACE", timedelta(0))
    # An index is made beside what goes on, which can't be in a test's transaction.
    monkeypatch.setattr(graphs, "NEEDED_FROM", len(TEXTS) - 1)
    monkeypatch.setattr(graphs, "ensure", lambda space: graphs.build(space, how="IF NOT EXISTS"))
    drop = graphs.drop
    monkeypatch.setattr(graphs, "drop", lambda space, how="": drop(space, how=""))
    vectors.forget()


@pytest.fixture
def document(user, embedder):
    return make_document(user, "a", TEXTS)


def next_space(**values):
    space = spaces.of_settings()
    for name, value in {"passage_model": "next", "query_model": "next-q", **values}.items():
        setattr(space, name, value)
    return space


def start(user, **values):
    return switching.start(next_space(**values), owner_id=user.pk)


def found(user, query="word7"):
    hits = search.search(owner_id=user.pk, query=query, top_k=1, mode="vector")
    return hits[0].chunk.text


def states():
    return dict(EmbeddingSpace.objects.values_list("passage_model", "state"))


def test_all_chunks_are_embedded_again_then_searched_and_the_old_vectors_are_gone(
    user, document, embedder
):
    asked = []
    embedder.misbehave = lambda request: asked.append(request["model"])
    task = start(user)
    assert states()["next"] == "BUILDING"
    found(user)
    assert asked[-1] == spaces.active().query_model != "next-q"
    run_all(task)
    assert (task.status, task.progress) == ("COMPLETED", 100)
    assert states() == {"next": "ACTIVE"}
    assert ChunkVector.objects.count() == len(TEXTS)
    assert found(user) == TEXTS[7]
    assert asked[-1] == "next-q"
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE indexname LIKE 'vector_graph%%'")
        assert cursor.fetchall() == [(graphs.name_of(spaces.active()),)]


def test_another_number_of_dimensions(user, document, embedder, monkeypatch):
    monkeypatch.setattr(embedding_server, "DIMENSIONS", 300)
    wanted = next_space()
    wanted.dimensions = switching.measured(wanted)
    assert wanted.dimensions == 300
    task = switching.start(wanted, owner_id=user.pk)
    run_all(task)
    assert task.status == "COMPLETED"
    assert found(user) == TEXTS[7]
    analyze()


def test_prefixes_are_put_before_what_is_embedded_and_kept_out_of_the_text(
    user, document, embedder
):
    run_all(start(user, passage_prefix="passage: ", query_prefix="query: "))
    embedder.reset()
    assert found(user) == TEXTS[7]
    assert embedder.texts == ["query: word7"]
    assert not Chunk.objects.filter(text__startswith="passage").exists()


def test_an_interrupted_switch_goes_on_where_it_stopped(user, document, embedder):
    embedder.misbehave = lambda request: error(401) if len(embedder.texts) > 20 else None
    task = start(user)
    run_all(task)
    assert (task.status, task.error_code) == ("FAILED", "embedding_auth")
    assert states()["next"] == "BUILDING"
    embedder.misbehave = lambda request: None
    found(user, "still the old space")
    services.retry(task.pk)
    run_all(task)
    assert task.status == "COMPLETED"
    passages = [text for text in embedder.texts if text in TEXTS]
    assert sorted(passages) == sorted(TEXTS)  # each once


def test_a_short_turn_ends_in_the_middle_and_keeps_what_it_has(user, document, monkeypatch):
    left, turns = cycle([1, 0]), []
    monkeypatch.setattr(runner._Run, "seconds_left", lambda self: turns.append(1) or next(left))
    task = start(user)
    run_all(task)
    assert task.status == "COMPLETED"
    assert len(turns) > len(TEXTS) / 8


def test_a_document_that_comes_meanwhile_is_found_before_and_after(user, document, embedder):
    task = start(user)
    embedder.misbehave = lambda request: (
        error(429, **{"Retry-After": "60"}) if len(embedder.texts) > 20 else None
    )
    run_all(task)
    late = make_document(user, "late", ["zebra stripes"])
    embedder.misbehave = lambda request: None
    assert ChunkVector.objects.filter(document=late).count() == 1
    embedding_gate.reset()
    assert found(user, "zebra stripes") == "zebra stripes"
    OutboxMessage.objects.filter(task=task).update(due_at=Now())
    run_all(task)
    assert task.status == "COMPLETED"
    assert found(user, "zebra stripes") == "zebra stripes"


def test_the_switch_waits_for_a_chunk_that_was_stored_at_the_last_moment(
    user, document, monkeypatch
):
    task = start(user)
    embed, calls = switching._embed, []

    def embed_and_store(run):
        embed(run)
        calls.append(run)
        if len(calls) == 2:  # just before the switch
            make_document(user, "late", ["zebra stripes"])

    monkeypatch.setattr(switching, "_embed", embed_and_store)
    run_all(task)
    assert len(calls) == 3
    assert task.status == "COMPLETED"
    assert found(user, "zebra stripes") == "zebra stripes"


def test_a_document_whose_vectors_are_of_the_old_space_gets_new_ones(user, document, api, embedder):
    embedder.misbehave = lambda request: error(429, **{"Retry-After": "60"})
    uploaded = SimpleUploadedFile("late.txt", b"Zebra stripes are here.")
    its = Task.objects.get(document_id=api.post("/api/documents/", {"file": uploaded}).json()["id"])
    run_all(its)
    Draft.objects.update(embedding=[1.0] * 384, space=spaces.active())
    embedder.misbehave = lambda request: None
    embedding_gate.reset()
    run_all(start(user))
    assert states() == {"next": "ACTIVE"}
    OutboxMessage.objects.filter(task=its).update(due_at=Now())
    run_all(its)
    assert its.status == "COMPLETED"
    assert found(user, "zebra stripes") == "Zebra stripes are here."


def test_what_a_switch_has_paid_for_survives_that_its_document_is_processed_again(
    user, api, embedder, settings
):
    file = SimpleUploadedFile("a.txt", b"Zebra stripes are here.")
    document_id = api.post("/api/documents/", {"file": file}).json()["id"]
    run_all(Task.objects.get())
    task = start(user)
    settings.TASK_SLICE_SECONDS = 0
    runner.run_task(task.pk, task.attempt)
    assert task.task_details.get(status="COMPLETED").step_type == "REEMBEDDING"
    settings.TASK_SLICE_SECONDS = 600
    embedder.reset()
    run_all(reprocess_document(document_id))
    run_all(task)
    assert (task.status, embedder.texts) == ("COMPLETED", [])
    assert ChunkVector.objects.count() == Chunk.objects.count() == 1


def test_a_text_that_is_refused_is_named_and_the_old_space_serves(user, document, embedder):
    embedder.misbehave = lambda request: (
        error(400) if any("word9 " in text for text in request["input"]) else None
    )
    task = start(user)
    run_all(task)
    assert (task.status, task.error_code) == ("FAILED", "embedding_refused")
    assert f"passage 9 of document {document.pk}" in task.error_message
    embedder.misbehave = lambda request: None
    assert found(user) == TEXTS[7]


def test_a_wrong_model_is_told_before_anything_changes(user, document, embedder):
    embedder.misbehave = lambda request: error(404) if request["model"] == "next-q" else None
    with pytest.raises(EmbeddingModelUnknown):
        start(user)
    assert not Task.objects.exists()
    assert EmbeddingSpace.objects.count() == 1


def test_only_one_switch_at_a_time_and_none_to_what_is_there(user, document):
    with pytest.raises(SpaceInUse):
        switching.start(spaces.of_settings(), owner_id=user.pk)
    start(user)
    with pytest.raises(SwitchRunning):
        start(user, passage_model="third")
    assert switching.cancel()
    assert not switching.cancel()
    run_all(start(user, passage_model="third"))
    assert states() == {"third": "ACTIVE"}


def test_a_task_whose_switch_was_given_up_says_so_when_it_is_retried(user, document):
    task = start(user)
    assert switching.cancel()
    services.retry(task.pk)
    run_all(task)
    assert (task.status, task.error_code) == ("FAILED", "subject_gone")


def test_old_vectors_stay_for_searches_that_began_before(user, document, monkeypatch):
    monkeypatch.setattr(reembed, "GRACE", timedelta(seconds=60))
    task = start(user)
    run_all(task)
    assert task.status == "RUNNING"
    assert task.task_details.get(step_type="VECTOR_REMOVAL").error_message == reembed.STILL_USED
    assert ChunkVector.objects.count() == 2 * len(TEXTS)
    EmbeddingSpace.objects.update(switched_at=timezone.now() - timedelta(seconds=61))
    OutboxMessage.objects.filter(task=task).update(due_at=Now())
    run_all(task)
    assert ChunkVector.objects.count() == len(TEXTS)


def test_the_command_switches_and_shows(user, document, embedder, django_user_model):
    out = StringIO()
    with pytest.raises(CommandError, match="no user"):
        call_command("embeddings", "switch", "next", "--user", "nobody", stdout=out)
    django_user_model.objects.filter(pk=user.pk).update(is_superuser=True)
    with pytest.raises(CommandError, match=r"^NO_SUCH_KEY is empty: put the key there first\.$"):
        call_command("embeddings", "switch", "next", "--key-variable", "NO_SUCH_KEY", stdout=out)
    call_command("embeddings", "switch", "next", stdout=out)
    call_command("embeddings", "show", stdout=out)
    assert "next, 384 dimensions: Being filled, 0 of 40 passages (task" in out.getvalue()
    run_all(Task.objects.get())
    with pytest.raises(CommandError, match="uses this model already"):
        call_command("embeddings", "switch", "next", stdout=out)


def test_unused_settings_are_adopted_and_used_ones_are_not(db, settings, user, embedder):
    settings.EMBEDDING_DIMENSIONS = 64
    settings.EMBEDDING_PASSAGE_MODEL = "fresh"
    spaces.adopt_settings()
    assert spaces.active().dimensions == 64
    settings.EMBEDDING_DIMENSIONS = 384
    spaces.adopt_settings()
    make_document(user, "a", ["storm"])
    settings.EMBEDDING_PASSAGE_MODEL = "other"
    spaces.adopt_settings()
    assert states() == {"fresh": "ACTIVE"}
    (warning,) = checks.settings_name_the_space(None, databases=["default"])
    assert warning.id == "notebook.W016"
    settings.EMBEDDING_PASSAGE_MODEL, settings.EMBEDDING_DIMENSIONS = "fresh", 384
    assert list(checks.settings_name_the_space(None, databases=["default"])) == []
    settings.EMBEDDING_QUERY_PREFIX = "Question: "
    (warning,) = checks.settings_name_the_space(None, databases=["default"])
    assert "They differ in query_prefix." in warning.msg
    settings.EMBEDDING_PASSAGE_MODEL, settings.EMBEDDING_DIMENSIONS = "fresh", 64
    (mistake,) = checks.settings_name_the_space(None, databases=["default"])
    assert mistake.id == "notebook.E016"


@pytest.mark.parametrize("days", [0, 7])
def test_vectors_outlive_their_document_only_if_the_operator_says_so(
    user, embedder, settings, days
):
    settings.EMBEDDING_CACHE_DAYS = days
    document = make_document(user, "a", TEXTS)
    delete_document(document.pk)
    assert not ChunkVector.objects.exists()
    assert KeptVector.objects.count() == (len(TEXTS) if days else 0)
    KeptVector.objects.update(kept_at=timezone.now() - timedelta(days=6))
    assert spaces.forget_expired() == 0
    KeptVector.objects.update(kept_at=timezone.now() - timedelta(days=8))
    assert spaces.forget_expired() == (len(TEXTS) if days else 0)


def test_vectors_of_a_switch_that_was_given_up_are_not_kept(document, settings):
    """A crash may leave them behind; deleting and storing must go on."""
    settings.EMBEDDING_CACHE_DAYS = 7
    space = next_space(state="BUILDING")
    space.save()
    ChunkVector.objects.update(space=space)
    EmbeddingSpace.objects.filter(pk=space.pk).delete()
    delete_document(document.pk)
    connection.check_constraints()
    assert not KeptVector.objects.exists()


def test_a_kept_vector_is_not_paid_for_again(user, api, embedder, settings):
    settings.EMBEDDING_CACHE_DAYS = 1

    def upload():
        file = SimpleUploadedFile("a.txt", b"Zebra stripes are here.")
        return Task.objects.get(
            document_id=api.post("/api/documents/", {"file": file}).json()["id"]
        )

    task = upload()
    run_all(task)
    delete_document(task.document_id)
    embedder.reset()
    again = upload()
    run_all(again)
    assert (again.status, embedder.texts) == ("COMPLETED", [])
