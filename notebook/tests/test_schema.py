"""What the schema says of errors is what the API answers."""

import re

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from drf_spectacular.generators import SchemaGenerator
from jsonschema import validate
from knox.models import AuthToken
from rest_framework.test import APIClient

from documents import planning
from documents.views import DocumentViewSet
from notebook.schema import PROBLEM
from tasks.models import Task
from tasks.tests.factories import make_document as make_row

pytestmark = pytest.mark.django_db
NOBODYS = "00000000-0000-4000-8000-000000000000"
JSON = {"content_type": "application/json"}
ERRORS = [
    ("get", "/api/documents/", {"data": {"status": "x"}}, 400),
    ("get", "/api/documents/", {"data": {"cursor": "x"}}, 404),
    ("get", "/api/tasks/", {"data": {"document": "x"}}, 400),
    ("get", "/api/tasks/", {"data": {"cursor": "x"}}, 404),
    ("get", "/api/usage/", {"data": {"to": "x"}}, 400),
    ("get", "/api/documents/{id}/", {}, 404),
    ("get", "/api/documents/{id}/text/", {}, 404),
    ("delete", "/api/documents/{id}/", {}, 404),
    ("post", "/api/documents/", {"data": {}}, 400),
    ("post", "/api/documents/", {"data": "<x/>", "content_type": "text/xml"}, 415),
    ("post", "/api/documents/plan/", {"data": {"file": b"%PDF-1.7\nnothing"}}, 422),
    ("post", "/api/search/", {"data": "{", **JSON}, 400),
    ("post", "/api/search/", {"data": "x", "content_type": "text/xml"}, 415),
    (
        "post",
        "/api/citations/verify/",
        {"data": f'{{"document": "{NOBODYS}", "quote": "x"}}', **JSON},
        404,
    ),
    ("post", "/api/ask/", {"data": "{}", **JSON}, 501),
    ("post", "/api/auth/token/", {"data": "{}", **JSON}, 400),
    ("post", "/api/auth/token/", {"data": '{"username": "x", "password": "x"}', **JSON}, 401),
    ("post", "/api/tasks/{id}/cancel/", {}, 404),
    ("get", "/api/tasks/{id}/events/", {}, 404),
]


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(public=True)


@pytest.fixture(autouse=True)
def files_of_its_own(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr(planning, "_rest", lambda: None)  # the sandbox is all tests'


def declared(schema, method, path, status):
    """The schema of what an operation says it may answer."""
    named = schema["paths"][path][method]["responses"][str(status)]["$ref"].rpartition("/")[2]
    ((media_type, content),) = schema["components"]["responses"][named]["content"].items()
    assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
    return media_type, schema["components"]["schemas"]["Problem"]


def assert_as_declared(schema, method, path, answer, status):
    media_type, problem = declared(schema, method, path, status)
    assert (answer.status_code, answer["Content-Type"]) == (status, media_type)
    validate(answer.json(), problem)


@pytest.mark.parametrize(("method", "path", "asked", "status"), ERRORS)
def test_an_error_is_one_that_is_declared(api, schema, method, path, asked, status):
    if "plan" in path:
        asked = {"data": {"file": SimpleUploadedFile("a.pdf", asked["data"]["file"])}}
    answer = getattr(api, method)(path.format(id=NOBODYS), **asked)
    assert_as_declared(schema, method, path, answer, status)


@pytest.mark.parametrize("path", ["schema/", "docs/", "documents/", "documents/{id}/text/"])
def test_a_problem_is_json_whatever_was_asked_for(api, path):
    answer = api.get(f"/api/{path.format(id=NOBODYS)}", HTTP_ACCEPT="text/nonsense")
    assert (answer.status_code, answer["Content-Type"]) == (406, "application/problem+json")
    validate(answer.json(), PROBLEM)
    assert answer.json()["code"] == "not_acceptable"


def test_an_operation_tells_how_any_other_error_looks(schema):
    for methods in schema["paths"].values():
        for operation in methods.values():
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/Problem"}
    content = schema["components"]["responses"]["Problem"]["content"]
    assert list(content) == ["application/problem+json"]


def test_the_links_of_a_list_are_always_there(api, schema):
    shape = schema["components"]["schemas"]["PaginatedDocumentList"]
    assert shape["required"] == list(api.get("/api/documents/").json())


def test_the_ways_to_order_documents_are_named(schema):
    parameters = schema["paths"]["/api/documents/"]["get"]["parameters"]
    (told,) = (each for each in parameters if each["name"] == "ordering")
    for field in DocumentViewSet.ordering_fields:
        assert f"`{field}`" in told["description"]
        assert re.search(told["schema"]["pattern"], f"-{field},{field}")
    assert not re.search(told["schema"]["pattern"], "title")


def test_generated_clients_are_offered_what_makes_sense(schema):
    """One type of body for settings, no choice of format for a stream."""
    body = schema["paths"]["/api/documents/{id}/reprocess/"]["post"]["requestBody"]
    assert list(body["content"]) == ["application/json"]
    for operation in (
        schema["paths"]["/api/ask/"]["post"],
        schema["paths"]["/api/tasks/{id}/events/"]["get"],
    ):
        assert "format" not in {each["name"] for each in operation.get("parameters", [])}


@pytest.mark.parametrize("name", ["Document", "Task", "TaskDetail", "TaskEvent", "Plan", "Chunk"])
def test_what_is_always_there_is_declared_so(schema, name):
    shape = schema["components"]["schemas"][name]
    assert sorted(shape["required"]) == sorted(shape["properties"])


def operations(schema):
    """Each with its method and an address of nothing, for a client that is signed in by token."""
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            yield method, path.format(id=NOBODYS), operation


@pytest.fixture
def program(user):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {AuthToken.objects.create(user)[1]}")
    return client


def refused(answer):
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    return {error["field"] for error in answer.json()["errors"] if error["code"] == "unknown"}


def test_a_parameter_is_read_if_it_is_declared_and_else_refused(program, schema):
    for method, address, operation in operations(schema):
        parameters = operation.get("parameters", [])
        declared = {each["name"] for each in parameters if each["in"] == "query"}
        query = "&".join(f"{name}=" for name in [*sorted(declared), "typo"])
        assert refused(getattr(program, method)(f"{address}?{query}")) == {"typo"}


def test_a_field_is_refused_if_it_is_not_declared(program, schema, settings):
    settings.CHAT_BASE_URL = settings.CHAT_MODEL = "m"
    row = make_row(User.objects.get())
    for method, address, operation in operations(schema):
        if "requestBody" in operation:
            own = address.replace(NOBODYS, str(row.pk))
            assert refused(getattr(program, method)(own, {"typo": 1}, format="json")) == {"typo"}


def test_the_sizes_of_a_page_are_declared(schema):
    parameters = schema["paths"]["/api/tasks/"]["get"]["parameters"]
    (size,) = (each["schema"] for each in parameters if each["name"] == "page_size")
    assert size == {"type": "integer", "minimum": 1, "maximum": 200}


def test_a_wrong_state_is_declared(api, user, schema):
    task = Task.objects.create(pipeline="document", owner=user, document=make_row(user))
    path = "/api/tasks/{id}/retry/"
    assert_as_declared(schema, "post", path, api.post(path.format(id=task.pk)), 409)


def test_every_operation_tells_that_one_must_be_signed_in(schema):
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if not operation.get("security"):
                assert path == "/api/auth/token/"
                continue
            answer = getattr(APIClient(), method)(path.format(id=NOBODYS))
            assert_as_declared(schema, method, path, answer, 401)


def test_a_request_without_its_csrf_token_is_declared(user, schema):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(user)
    answer = client.post("/api/search/", {"query": "x"}, format="json")
    assert_as_declared(schema, "post", "/api/search/", answer, 403)


def test_the_text_is_declared_as_text(schema):
    content = schema["paths"]["/api/documents/{id}/text/"]["get"]["responses"]["200"]["content"]
    assert content["text/plain"]["schema"] == {"type": "string"}
    assert "$ref" in content["application/json"]["schema"]


def test_a_field_error_has_its_declared_shape(api):
    answer = api.post("/api/search/", {}, format="json")
    validate(answer.json(), PROBLEM)
    assert answer.json()["errors"]


@pytest.mark.parametrize("version", ["a\r\nSet-Cookie: a=b", '"; filename="x.exe', "1"])
def test_what_is_asked_for_is_no_part_of_the_schemas_headers(version):
    answer = APIClient(raise_request_exception=False).get("/api/schema/", {"version": version})
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == 'inline; filename="Notebook.yaml"'
