"""The REST API: its shapes, its errors, and that nobody sees what is not theirs."""

import threading
import uuid
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from documents.models import Chunk, Document, Draft, Extraction
from documents.services import clean_name, remove_orphaned_files
from tasks import outbox, services
from tasks.models import OutboxMessage, Status, Task
from tasks.tests.factories import run_all

pytestmark = pytest.mark.django_db

TIDES = "The moon pulls the sea, and so the water rises and falls twice on every day. " * 4
BREAD = "Yeast lifts the dough while it rests, so that the loaf is light and full of holes. " * 4
TEXT = f"# Tides\n\n{TIDES}\n\n# Bread\n\n{BREAD}\n".encode()


@pytest.fixture(autouse=True)
def no_broker(monkeypatch, settings, tmp_path):
    monkeypatch.setattr(outbox, "_publish_soon", lambda *_: None)
    settings.MEDIA_ROOT = tmp_path
    settings.TASK_HEARTBEAT_SECONDS = 3600  # another connection sees nothing of this transaction


def upload(client, content=TEXT, name="notes.md", **options):
    return client.post("/api/documents/", {"file": SimpleUploadedFile(name, content), **options})


def process(document_id):
    task = Task.objects.filter(document_id=document_id).latest("created_at")
    run_all(task)
    return task


@pytest.fixture
def available(api, embedder):
    document_id = upload(api).json()["id"]
    task = process(document_id)
    assert (task.status, task.error_message) == ("COMPLETED", None)
    return document_id


def assert_problem(response, status, code):
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["type"]
    assert body["title"]
    assert body["detail"]


def test_an_upload_answers_201_with_the_document_and_where_to_follow_it(api):
    response = upload(api)
    body = response.json()
    task = Task.objects.get()
    assert response.status_code == 201
    assert response["Location"] == f"/api/documents/{body['id']}/"
    assert list(body) == [
        "id", "name", "content_type", "size", "sha256", "status", "error_code", "error_message",
        "page_count", "chunk_count", "language", "created_at", "updated_at", "task",
    ]  # fmt: skip
    assert body["task"] == {
        "id": str(task.pk),
        "status": "PENDING",
        "progress": 0,
        "error_code": None,
        "error_message": None,
        "socket": f"/ws/tasks/{task.pk}/",
    }
    assert (body["name"], body["size"], body["content_type"]) == (
        "notes.md",
        len(TEXT),
        "text/markdown",
    )
    assert body["created_at"].endswith("Z")


def test_an_upload_only_records_its_message_and_sends_nothing_before_the_commit(api):
    response = upload(api)
    assert response.status_code == 201
    assert OutboxMessage.objects.get().sent_at is None


def test_the_same_bytes_again_answer_200_with_the_document_that_is_there(api):
    first, second = upload(api), upload(api, name="other-name.md")
    assert (second.status_code, second.json()["id"]) == (200, first.json()["id"])
    assert Document.objects.count() == 1


def test_the_same_bytes_of_another_owner_are_another_document(api, other_user):
    upload(api)
    other = APIClient()
    other.force_login(other_user)
    assert upload(other).status_code == 201


def test_a_failed_document_starts_again_when_its_bytes_come_again(api, embedder):
    document_id = upload(api).json()["id"]
    services.cancel(Task.objects.get().pk)
    response = upload(api)
    assert (response.status_code, response.json()["id"]) == (200, document_id)
    assert response.json()["status"] == "PENDING"
    assert process(document_id).status == "COMPLETED"


@pytest.mark.django_db(transaction=True)
def test_the_same_file_twelve_times_at_once_is_one_document(user, django_db_serialized_rollback):
    answers = []

    def send():
        client = APIClient()
        client.force_authenticate(user)
        answers.append(upload(client))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200] * 11 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    files = [path for path in Path(django_settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    assert len(files) == 1


@pytest.mark.parametrize(
    ("content", "name", "status", "code"),
    [
        (b"", "empty.txt", 400, "empty_file"),
        (b"\x7fELF\x02\x01\x01" + bytes(64), "report.pdf", 415, "unsupported_type"),
        (b"x" * 2_000_001, "big.txt", 413, "file_too_large"),
    ],
)
def test_a_refused_upload_says_why_and_leaves_nothing(api, settings, content, name, status, code):
    settings.MAX_UPLOAD_MB = 2
    assert_problem(upload(api, content, name), status, code)
    assert not Document.objects.exists()
    assert not list(Path(settings.MEDIA_ROOT).rglob("*"))


def test_an_upload_without_a_file_is_400_and_names_the_field(api):
    response = api.post("/api/documents/", {})
    assert_problem(response, 400, "invalid")
    assert response.json()["errors"][0]["field"] == "file"


def test_a_processed_document_is_available_with_its_chunks_in_place(api, available):
    body = api.get(f"/api/documents/{available}/").json()
    text = api.get(f"/api/documents/{available}/text/").content.decode()
    chunks = api.get(f"/api/documents/{available}/chunks/").json()
    assert (body["status"], body["chunk_count"]) == ("AVAILABLE", len(chunks["results"]))
    assert list(chunks) == ["next", "previous", "results"]
    for index, chunk in enumerate(chunks["results"]):
        assert list(chunk) == [
            "id", "index", "text", "page_start", "page_end", "headings", "start", "end",
        ]  # fmt: skip
        assert chunk["index"] == index
        assert chunk["text"] == text[chunk["start"] : chunk["end"]]
    assert [chunk["headings"] for chunk in chunks["results"]] == [["Tides"], ["Bread"]]


def test_the_text_is_read_without_its_elements(api, available):
    with CaptureQueriesContext(connection) as asked:
        assert api.get(f"/api/documents/{available}/text/").status_code == 200
    assert not any("elements" in query["sql"] for query in asked)


def test_the_text_comes_as_json_to_who_asks_for_it(api, available):
    found = api.get(f"/api/documents/{available}/text/", HTTP_ACCEPT="application/json")
    assert found.json()["text"].startswith("Tides")


def test_the_task_shows_five_steps_done_with_their_details(api, available):
    task_id = api.get(f"/api/documents/{available}/").json()["task"]["id"]
    body = api.get(f"/api/tasks/{task_id}/").json()
    assert list(body) == [
        "id", "seq", "task_id", "document_id", "status", "progress", "error_code",
        "error_message", "attempt", "task_details", "created_at", "started_at", "completed_at",
    ]  # fmt: skip
    assert (body["status"], body["progress"]) == ("COMPLETED", 100)
    steps = [(d["step_type"], d["step_name"], d["step_order"], d["status"], d["progress"])
             for d in body["task_details"]]  # fmt: skip
    assert steps == [
        ("FILE_UPLOAD", "File validation", 1, "COMPLETED", 100),
        ("TEXT_EXTRACTION", "Text extraction", 2, "COMPLETED", 100),
        ("TEXT_SPLITTING", "Text splitting", 3, "COMPLETED", 100),
        ("EMBEDDING_GENERATION", "Embedding", 4, "COMPLETED", 100),
        ("VECTOR_STORAGE", "Vector storage", 5, "COMPLETED", 100),
    ]
    details = [d["details"] for d in body["task_details"]]
    assert details[0] == {"file_size": len(TEXT), "file_type": "text/markdown"}
    assert details[1]["text_length"] > 40
    assert details[2] == {
        "chunk_count": 2, "chunk_size": 256, "chunk_overlap": 32, "chunk_strategy": "by_title",
    }  # fmt: skip
    assert (details[3]["processed_chunks"], details[3]["total_chunks"]) == (2, 2)
    assert details[4]["stored_vectors"] == 2


def test_the_quality_report_is_that_of_the_step_that_read_it(api, available):
    task_id = api.get(f"/api/documents/{available}/").json()["task"]["id"]
    details = api.get(f"/api/tasks/{task_id}/").json()["task_details"][1]["details"]
    report = api.get(f"/api/documents/{available}/quality/").json()
    assert report == {
        "pages": None, "characters": details["text_length"], "language": "en", "garbled": 0.0,
        "tables": 0, "dropped_repeats": 0, "warnings": [],
    }  # fmt: skip
    assert details.items() >= report.items()


def test_there_is_no_report_before_there_is_a_text(api):
    document_id = upload(api).json()["id"]
    assert_problem(api.get(f"/api/documents/{document_id}/quality/"), 404, "no_text_yet")


def test_staff_read_the_report_in_words(admin_client, available):
    task = Task.objects.get()
    step = task.task_details.get(step_type="TEXT_EXTRACTION")
    step.details |= {"ocr_pages": 3, "warnings": ["3 of 4 pages are so", "<b>"]}
    step.save(update_fields=["details"])
    for address in (f"tasks/task/{task.pk}", f"documents/document/{available}"):
        page = admin_client.get(f"/admin/{address}/change/").content.decode()
        assert '<div class="detail"><b>OCR pages</b>: 3</div>' in page
        assert "<b>Warnings</b>: 3 of 4 pages are so; &lt;b&gt;</div>" in page


def test_step_names_are_chinese_for_who_reads_chinese(api, available):
    task_id = api.get(f"/api/documents/{available}/").json()["task"]["id"]
    body = api.get(f"/api/tasks/{task_id}/", HTTP_ACCEPT_LANGUAGE="zh-Hans").json()
    names = [detail["step_name"] for detail in body["task_details"]]
    assert names == ["文件验证", "文本提取", "文本分块", "生成向量", "向量存储"]


def test_search_finds_the_passage_and_only_among_the_callers_documents(api, available, other_user):
    body = api.post(
        "/api/search/", {"query": "What does yeast do to dough?", "top_k": 1}, format="json"
    ).json()
    assert list(body) == ["results"]
    hit = body["results"][0]
    assert set(hit) == {"score", "chunk", "highlights", "document"}
    assert hit["document"] == {"id": available, "name": "notes.md"}
    assert "Yeast" in hit["chunk"]["text"]
    assert 0 < hit["score"] <= 1
    other = APIClient()
    other.force_login(other_user)
    assert other.post("/api/search/", {"query": "yeast"}, format="json").json() == {"results": []}
    asked = {"query": "yeast", "documents": [available]}
    assert other.post("/api/search/", asked, format="json").json() == {"results": []}


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ("null", "query", "required"),
        ("{}", "query", "required"),
        ('["storm"]', "non_field_errors", "invalid"),
        ('{"query": "storm", "top_k": 0}', "top_k", "min_value"),
        ('{"query": "storm", "page_from": 3, "page_to": 1}', "page_to", "invalid"),
    ],
)
def test_a_search_that_cannot_be_read_says_what_is_wrong(api, body, field, code):
    for _ in range(2):  # the form is one for all requests
        answer = api.post("/api/search/", body, content_type="application/json")
        assert answer.status_code == 400, answer.content
        [error] = answer.json()["errors"]
        assert (error["field"], error["code"]) == (field, code)


def test_search_can_be_narrowed_to_some_documents(api, available):
    asked = {"query": "yeast", "documents": [str(uuid.uuid4())]}
    assert api.post("/api/search/", asked, format="json").json() == {"results": []}


@pytest.mark.parametrize(
    "asked", [{}, {"query": " "}, {"query": "x" * 1001}, {"query": "x", "top_k": 0},
              {"query": "x", "top_k": 101}, {"query": "x", "documents": ["nonsense"]}, []]
)  # fmt: skip
def test_an_unusable_query_is_400(api, asked):
    assert_problem(api.post("/api/search/", asked, format="json"), 400, "invalid")


def test_when_the_embedding_service_is_away_search_says_so(api, available, embedder):
    embedder.misbehave = lambda request: (503, {}, b"{}")
    assert_problem(
        api.post("/api/search/", {"query": "yeast"}, format="json"), 503, "embedding_unavailable"
    )


def test_deleting_leaves_no_file_chunk_vector_or_task(
    api, available, settings, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        response = api.delete(f"/api/documents/{available}/")
    assert (response.status_code, response.content) == (204, b"")
    for model in (Document, Chunk, Draft, Extraction, Task, OutboxMessage):
        assert not model.objects.exists(), model
    assert [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()] == []
    assert_problem(api.get(f"/api/documents/{available}/"), 404, "not_found")


def test_reprocessing_replaces_the_chunks_and_pays_for_nothing_twice(api, available, embedder):
    before = [
        chunk["id"] for chunk in api.get(f"/api/documents/{available}/chunks/").json()["results"]
    ]
    embedder.reset()
    response = api.post(f"/api/documents/{available}/reprocess/")
    assert response.status_code == 202
    assert response.json()["document_id"] == available
    assert api.get(f"/api/documents/{available}/").json()["status"] == "AVAILABLE"
    assert_problem(api.post(f"/api/documents/{available}/reprocess/"), 409, "wrong_state")
    assert process(available).status == "COMPLETED"
    after = [
        chunk["id"] for chunk in api.get(f"/api/documents/{available}/chunks/").json()["results"]
    ]
    assert after == before
    assert embedder.requests == 0


def test_each_run_may_be_split_in_its_own_way_and_says_which(api, available):
    asked = {"chunk_size": 480, "chunk_overlap": 0, "chunk_strategy": "plain"}
    api.post(f"/api/documents/{available}/reprocess/", asked, format="json")
    task = process(available)
    assert task.options == asked
    details = task.task_details.get(step_type="TEXT_SPLITTING").details
    assert details == {"chunk_count": 1, **asked}
    (chunk,) = api.get(f"/api/documents/{available}/chunks/").json()["results"]
    text = api.get(f"/api/documents/{available}/text/?format=json").json()["text"]
    assert text[chunk["start"] : chunk["end"]] == chunk["text"] == text


def test_an_upload_may_say_how_to_be_split(api):
    asked = {"chunk_size": 100, "chunk_overlap": 10, "chunk_strategy": "plain"}
    document_id = upload(api, **asked).json()["id"]
    assert process(document_id).options == asked


@pytest.mark.parametrize(
    ("asked", "field", "told"),
    [
        ({"chunk_strategy": "magic"}, "chunk_strategy", '"magic" is not a valid choice.'),
        ({"chunk_size": 31}, "chunk_size", "greater than or equal to 32"),
        (
            {"chunk_size": 64, "chunk_overlap": 64},
            "chunk_overlap",
            "must be less than chunk_size (64)",
        ),
        ({"chunk_overlap": "some"}, "chunk_overlap", "A valid integer is required."),
    ],
)
def test_splitting_that_makes_no_sense_is_refused(api, available, asked, field, told):
    for response in (
        api.post(f"/api/documents/{available}/reprocess/", asked, format="json"),
        upload(api, content=b"Something else.", **asked),
    ):
        assert_problem(response, 400, "invalid")
        (error,) = response.json()["errors"]
        assert error["field"] == field
        assert told in error["detail"]


def test_a_failed_reprocess_leaves_the_old_chunks_to_be_found(api, available, settings):
    for path in Path(settings.MEDIA_ROOT).rglob("*"):
        if path.is_file():
            path.unlink()
    api.post(f"/api/documents/{available}/reprocess/")
    task = process(available)
    assert (task.status, task.error_code) == ("FAILED", "source_missing")
    body = api.get(f"/api/documents/{available}/").json()
    assert (body["status"], body["chunk_count"], body["task"]["status"]) == (
        "AVAILABLE",
        2,
        "FAILED",
    )


def test_a_changed_file_is_refused(api, settings):
    document_id = upload(api).json()["id"]
    stored = next(path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file())
    stored.write_bytes(TEXT.replace(b"moon", b"noon"))
    assert process(document_id).error_code == "checksum_mismatch"


def test_a_retry_goes_on_from_the_failed_step_and_keeps_what_was_paid(api, embedder, settings):
    settings.EMBEDDING_BATCH_SIZE = 1
    settings.TASK_MAX_FAILURES = 1
    document_id = upload(api).json()["id"]
    embedder.misbehave = lambda request: (400, {}, b"{}") if embedder.requests > 1 else None
    task = process(document_id)
    assert (task.status, task.error_code) == ("FAILED", "embedding_refused")
    paid = list(embedder.texts)
    assert len(paid) == 1
    embedder.reset()
    response = api.post(f"/api/tasks/{task.pk}/retry/")
    assert (response.status_code, response.json()["attempt"]) == (202, 2)
    assert process(document_id).status == "COMPLETED"
    assert len(embedder.texts) == 1
    assert embedder.texts != paid
    assert Chunk.objects.count() == 2


def test_a_rate_limit_parks_the_task_and_fails_nothing(api, embedder):
    document_id = upload(api).json()["id"]
    embedder.misbehave = lambda request: (429, {"Retry-After": "3600"}, b"{}")
    task = process(document_id)
    step = task.task_details.get(step_type="EMBEDDING_GENERATION")
    assert (task.status, step.status, step.failures) == ("RUNNING", "PENDING", 0)
    assert "limiting" in step.error_message
    assert embedder.requests == 1


def test_cancel_and_retry_answer_202_then_409(api):
    upload(api)
    task_id = Task.objects.get().pk
    assert_problem(api.post(f"/api/tasks/{task_id}/retry/"), 409, "wrong_state")
    response = api.post(f"/api/tasks/{task_id}/cancel/")
    assert (response.status_code, response.json()["status"]) == (202, "CANCELLED")
    assert_problem(api.post(f"/api/tasks/{task_id}/cancel/"), 409, "wrong_state")
    assert api.get("/api/documents/").json()["results"][0]["status"] == "CANCELLED"


def test_the_list_is_filtered_searched_ordered_and_paged(api):
    for name in ("b.txt", "a.txt", "c.md"):
        upload(api, name.encode() + b" has some text", name)

    def names(query):
        return [row["name"] for row in api.get(f"/api/documents/?{query}").json()["results"]]

    assert names("ordering=name") == ["a.txt", "b.txt", "c.md"]
    assert names("search=.txt&ordering=-name") == ["b.txt", "a.txt"]
    assert names("status=AVAILABLE") == []
    first = api.get("/api/documents/?page_size=2&ordering=name").json()
    assert [row["name"] for row in first["results"]] == ["a.txt", "b.txt"]
    assert [row["name"] for row in api.get(first["next"]).json()["results"]] == ["c.md"]
    assert_problem(api.get("/api/documents/?status=NONSENSE"), 400, "invalid")


def test_the_list_is_searched_in_either_form_of_unicode(api):
    upload(api, b"some text", "re\u0301sume\u0301.txt")  # as a Mac has it
    for search in ("re\u0301s", "r\u00e9s"):
        assert len(api.get("/api/documents/", {"search": search}).json()["results"]) == 1


def test_lists_cost_the_same_few_queries_whatever_their_length(api, django_assert_num_queries):
    for number in range(6):
        upload(api, f"text number {number}".encode(), f"{number}.txt")
    with django_assert_num_queries(3):  # session, user, documents with their latest tasks
        assert len(api.get("/api/documents/").json()["results"]) == 6
    with django_assert_num_queries(4):  # session, user, tasks, their steps
        assert len(api.get("/api/tasks/").json()["results"]) == 6


FOREIGN = [
    ("get", "documents/{document}/"), ("delete", "documents/{document}/"),
    ("get", "documents/{document}/chunks/"), ("get", "documents/{document}/text/"),
    ("get", "documents/{document}/quality/"),
    ("get", "documents/{document}/file/"), ("post", "documents/{document}/reprocess/"),
    ("get", "tasks/{task}/"), ("post", "tasks/{task}/cancel/"), ("post", "tasks/{task}/retry/"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), FOREIGN)
def test_somebody_elses_things_are_not_there(api, available, other_user, method, path):
    task = Task.objects.get()
    other = APIClient()
    other.force_login(other_user)
    address = "/api/" + path.format(document=available, task=task.pk)
    assert_problem(getattr(other, method)(address), 404, "not_found")
    assert_problem(getattr(APIClient(), method)(address), 401, "not_authenticated")
    assert Document.objects.filter(pk=available, status="AVAILABLE").exists()


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("get", "/api/nothing/", 404, "not_found"),
        ("get", "/api/documents/not-a-uuid/", 404, "not_found"),
        ("put", "/api/documents/", 405, "method_not_allowed"),
        ("patch", "/api/search/", 405, "method_not_allowed"),
    ],
)
def test_errors_of_every_kind_have_one_shape(api, method, path, status, code):
    assert_problem(getattr(api, method)(path), status, code)


def test_broken_json_is_400_and_a_wrong_media_type_415(api):
    broken = api.post("/api/search/", "{", content_type="application/json")
    assert_problem(broken, 400, "parse_error")
    odd = api.post("/api/search/", "<x/>", content_type="application/xml")
    assert_problem(odd, 415, "unsupported_media_type")


def test_a_bug_is_a_500_that_tells_no_internals(api, monkeypatch, caplog):
    monkeypatch.setattr("documents.search.search", lambda **_: 1 / 0)
    response = api.post("/api/search/", {"query": "x"}, format="json")
    assert_problem(response, 500, "internal_error")
    assert "division" not in response.content.decode()


def test_without_postgres_the_answer_is_503_with_retry_after(api, monkeypatch):
    def away(**_):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr("documents.search.search", away)
    response = api.post("/api/search/", {"query": "x"}, format="json")
    assert_problem(response, 503, "database_unavailable")
    assert response["Retry-After"] == "5"


def test_a_session_needs_a_csrf_token(user):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user)
    assert_problem(client.post("/api/search/", {"query": "x"}, format="json"), 403, "csrf_failed")


def test_a_token_is_had_for_a_password_is_stored_hashed_and_can_be_revoked(user):
    from knox.models import AuthToken

    client = APIClient()
    given = {"username": "ada", "password": "correct horse"}
    body = client.post("/api/auth/token/", given, format="json").json()
    assert list(body) == ["token", "expires_at"]
    assert body["token"] not in str(AuthToken.objects.values())
    client.credentials(HTTP_AUTHORIZATION=f"Token {body['token']}")
    assert client.get("/api/documents/").status_code == 200
    assert client.delete("/api/auth/token/").status_code == 204
    assert_problem(client.get("/api/documents/"), 401, "authentication_failed")


def test_an_expired_token_is_refused_and_housekeeping_removes_it(user):
    from datetime import timedelta

    from knox.models import AuthToken

    from documents.tasks import housekeeping

    _, good = AuthToken.objects.create(user)
    _, old = AuthToken.objects.create(user, expiry=timedelta(seconds=-1))
    client = APIClient()
    for token, status in ((old, 401), (good, 200)):
        client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        assert client.get("/api/documents/").status_code == status
    housekeeping()
    assert [token.token_key for token in AuthToken.objects.all()] == [good[:15]]


def test_housekeeping_removes_the_sessions_that_have_expired(user):
    from datetime import timedelta

    from django.contrib.sessions.models import Session
    from django.utils import timezone

    from documents.tasks import housekeeping

    old, good = APIClient(), APIClient()
    for client in (old, good):
        client.force_login(user)
    session = Session.objects.filter(pk=old.session.session_key)
    session.update(expire_date=timezone.now() - timedelta(seconds=1))
    housekeeping()
    assert [each.pk for each in Session.objects.all()] == [good.session.session_key]


def test_housekeeping_removes_old_logs_of_sign_ins(user):
    from datetime import timedelta

    from axes.models import AccessLog
    from django.utils import timezone

    from documents.tasks import housekeeping

    for name, days in (("recent", 89), ("old", 91)):
        row = AccessLog.objects.create(username=name)
        AccessLog.objects.filter(pk=row.pk).update(attempt_time=timezone.now() - timedelta(days))
    housekeeping()
    assert [each.username for each in AccessLog.objects.all()] == ["recent"]


def test_who_still_sends_an_old_token_gets_a_new_one(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Token " + "0" * 64)
    given = {"username": "ada", "password": "correct horse"}
    answer = client.post("/api/auth/token/", given, format="json")
    assert answer.status_code == 200
    refused = client.post("/api/auth/token/", given | {"password": "wrong"}, format="json")
    assert_problem(refused, 401, "invalid_credentials")
    assert_problem(client.delete("/api/auth/token/"), 401, "authentication_failed")


def test_a_wrong_password_is_401_and_many_are_429(user, settings):
    settings.AXES_FAILURE_LIMIT = 3
    wrong = {"username": "ada", "password": "wrong"}
    answers = [APIClient().post("/api/auth/token/", wrong, format="json") for _ in range(4)]
    assert_problem(answers[0], 401, "invalid_credentials")
    assert_problem(answers[3], 429, "too_many_attempts")


def test_an_orphaned_file_is_removed_after_an_hour_and_a_known_one_stays(api, settings, available):
    from datetime import timedelta

    orphan = Path(settings.MEDIA_ROOT, "ab", "orphan")
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"left by a crash")
    assert remove_orphaned_files() == 0
    assert remove_orphaned_files(older_than=timedelta(0)) == 1
    assert not orphan.exists()
    assert Path(settings.MEDIA_ROOT, Document.objects.get().file.name).exists()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\r\u202efdp.exe", "rfdp.exe"),
        ("cafe\u0301.txt", "café.txt"),
        ("报告 2026.pdf", "报告 2026.pdf"),
        ("\x00\n", "document"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
    ],
)
def test_a_name_is_cleaned_for_showing(given, shown):
    assert clean_name(given) == shown


def test_the_status_of_a_document_follows_its_task(api):
    upload(api)
    task = Task.objects.get()
    services.dispatch(task.pk, 1, worker="w")
    assert api.get("/api/documents/").json()["results"][0]["status"] == Status.RUNNING
