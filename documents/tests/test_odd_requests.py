"""Requests that make no sense are answered as such, and never as an error of ours."""

import json
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.timezone import now
from rest_framework.test import APIClient

from documents.models import Document
from documents.tests.searchable import make_document
from documents.tests.test_api import assert_problem
from tasks.models import Task
from tasks.tests.factories import make_document as make_row

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet(by_hand):
    """Nothing runs."""


def test_anothers_document_is_as_unknown_to_the_tasks_as_one_that_nobody_has(api, other_user):
    document = make_row(other_user)
    Task.objects.create(pipeline="document", owner=other_user, document=document)
    for pk in (document.pk, uuid.uuid4()):
        answer = api.get(f"/api/tasks/?document={pk}")
        assert (answer.status_code, answer.json()["results"]) == (200, [])
    assert_problem(api.get("/api/tasks/?document=nonsense"), 400, "invalid")


def test_the_tasks_of_ones_own_document_are_found(api, user):
    document = make_row(user)
    task = Task.objects.create(pipeline="document", owner=user, document=document)
    Task.objects.create(pipeline="document", owner=user, document=make_row(user))
    found = api.get(f"/api/tasks/?document={document.pk}").json()["results"]
    assert [each["id"] for each in found] == [str(task.pk)]


@pytest.mark.parametrize("day", ["0001-01-01", "0001-01-05", "9999-12-31"])
def test_usage_up_to_any_day(api, day):
    assert api.get(f"/api/usage/?to={day}").json()["days"] == []


@pytest.mark.parametrize("path", ["search", "documents", "documents/plan", "ask", "auth/token"])
def test_json_that_is_too_deep_is_malformed(api, settings, path):
    settings.CHAT_BASE_URL = settings.CHAT_MODEL = "m"
    answer = api.post(f"/api/{path}/", "[" * 100_000, content_type="application/json")
    assert_problem(answer, 400, "parse_error")


@pytest.mark.parametrize("path", ["search", "documents", "documents/plan", "citations/verify"])
def test_json_that_is_too_long_is_too_large(api, path, caplog):
    sent = json.dumps({"query": "x" * 1_100_000})
    answer = api.post(f"/api/{path}/", sent, content_type="application/json")
    assert_problem(answer, 413, "request_too_large")
    assert "Traceback" not in caplog.text


def test_half_a_character_is_told_of_as_what_it_is(api):
    """JSON may hold it, and the answer names it."""
    sent = '{"query": "x", "mode": "\\ud800"}'
    answer = api.post("/api/search/", sent, content_type="application/json")
    assert_problem(answer, 400, "invalid")
    assert "\ud800" in answer.json()["detail"]


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_address_without_its_last_slash_leads_on_as_what_was_asked(api, method):
    """Programs make a GET of what a 301 leads on: an upload would be answered with the list."""
    answer = getattr(api, method)("/api/documents?page_size=1")
    assert (answer.status_code, answer["Location"]) == (308, "/api/documents/?page_size=1")


def test_a_form_that_is_too_long_is_too_large(api):
    sent = {"file": SimpleUploadedFile("a.txt", b"a"), "bulk": "x" * 1_100_000}
    assert_problem(api.post("/api/documents/", sent), 413, "request_too_large")


def test_a_form_of_too_many_parts_is_not_understood(api):
    many = {f"field{n}": "x" for n in range(1001)}
    files = {"file": [SimpleUploadedFile("a.txt", b"a")] * 21}
    for sent in (many, files):
        assert_problem(api.post("/api/documents/", sent), 400, "bad_request")


@pytest.mark.parametrize("token", ["é", "Ã©", "\x00", "a\x00b", "%00", "'", "nonsense"])
def test_a_token_of_any_signs_is_just_wrong(token):
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    answer = client.get("/api/documents/")
    assert_problem(answer, 401, "authentication_failed")


@pytest.mark.parametrize("seen", ["9" * 5000, "9" * 19, "9" * 20, "-1", "²"])
def test_what_can_not_have_been_seen_last_is_nothing(api, user, seen, monkeypatch):
    followed = []
    monkeypatch.setattr(
        "tasks.views.event_stream.follow", lambda *args: followed.append(args[-1]) or iter(())
    )
    document = make_document(user, "a", ["one"])
    task = Task.objects.create(pipeline="document", owner=user, document=document)
    answer = api.get(f"/api/tasks/{task.pk}/events/", headers={"Last-Event-ID": seen})
    assert (answer.status_code, followed) == (200, [0])


def test_a_polyfill_of_event_sources_tells_in_the_address_what_it_has_seen(api, user):
    task = Task.objects.create(
        pipeline="document", owner=user, document=make_row(user), status="CANCELLED", seq=7,
        completed_at=now(),
    )  # fmt: skip
    address = f"/api/tasks/{task.pk}/events/?lastEventId="
    assert [api.get(f"{address}{seq}").status_code for seq in (7, 6)] == [204, 200]


def test_of_two_filters_of_one_name_neither_is_lost_without_a_word(api):
    answer = api.get("/api/documents/?status=FAILED&status=CANCELLED")
    assert_problem(answer, 400, "invalid")
    assert answer.json()["errors"] == [
        {"field": "status", "code": "repeated", "detail": "Give it only once."}
    ]


def test_of_a_field_of_a_form_that_comes_twice_neither_is_lost_without_a_word(api):
    sent = {"file": SimpleUploadedFile("a.txt", b"a"), "chunk_size": ["64", "128"]}
    answer = api.post("/api/documents/", sent)
    assert_problem(answer, 400, "invalid")
    assert answer.json()["errors"][0]["field"] == "chunk_size"
    assert not Document.objects.exists()


def test_a_form_may_carry_the_token_of_its_page(api):
    sent = {"file": SimpleUploadedFile("a.txt", b"a"), "csrfmiddlewaretoken": "x"}
    assert api.post("/api/documents/", sent).status_code == 201


def test_of_many_unknown_fields_the_first_are_told(api):
    answer = api.post("/api/search/", dict.fromkeys(map(str, range(5000)), 1), format="json")
    assert_problem(answer, 400, "invalid")
    assert len(answer.json()["errors"]) == 11, "and the one that is required"


@pytest.mark.parametrize("inline", ["perhaps", "1&inline=0"])
def test_a_file_is_shown_or_not(api, user, inline):
    address = f"/api/documents/{make_row(user).pk}/file/?inline={inline}"
    assert_problem(api.get(address), 400, "invalid")


@pytest.mark.parametrize("path", ["documents/", "documents/plan/"])
def test_of_two_files_neither_is_lost_without_a_word(api, path):
    files = [SimpleUploadedFile(name, name.encode()) for name in ("a.txt", "b.txt")]
    answer = api.post(f"/api/{path}", {"file": files})
    assert_problem(answer, 400, "invalid")
    assert answer.json()["errors"] == [
        {"field": "file", "code": "invalid",
         "detail": "Send one file per request, not 2."},
    ]  # fmt: skip
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    ("asked", "used"),
    [
        ({"chunk_size": 32}, (32, 16)),
        ({"chunk_size": 33}, (33, 32)),
        ({"chunk_size": 32, "chunk_overlap": 31}, (32, 31)),
        ({"chunk_overlap": 240}, (256, 240)),
    ],
)
def test_each_size_of_chunks_may_be_asked_for_alone(api, asked, used):
    file = {"file": SimpleUploadedFile("a.txt", b"Some text.")}
    answer = api.post("/api/documents/", {**file, **asked})
    assert answer.status_code == 201, answer.json()
    options = Task.objects.get().options
    assert (options["chunk_size"], options["chunk_overlap"]) == used


def test_an_overlap_that_was_asked_for_must_fit(api):
    file = {"file": SimpleUploadedFile("a.txt", b"Some text.")}
    answer = api.post("/api/documents/", {**file, "chunk_size": 32, "chunk_overlap": 32})
    assert_problem(answer, 400, "invalid")
    assert answer.json()["errors"][0]["field"] == "chunk_overlap"


@pytest.mark.parametrize(
    "narrowed",
    [{"languages": ["EN"]}, {"types": ["TEXT/PLAIN"]}, {"types": ["Text/"]}, {"languages": ["En"]}],
)
def test_the_case_of_types_and_languages_does_not_matter(api, user, embedder, narrowed):
    make_document(user, "a", ["storm"])
    asked = {"query": "storm", **narrowed}
    assert len(api.post("/api/search/", asked, format="json").json()["results"]) == 1
