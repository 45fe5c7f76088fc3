"""Lists in pages: every row once, however many share what they are ordered by."""

import itertools
import re
import uuid

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from documents.models import Chunk, Document
from documents.tests.searchable import make_document
from documents.tests.test_api import assert_problem
from tasks.models import Task
from tasks.tests.factories import make_document as make_row

pytestmark = pytest.mark.django_db
ORDERS = ["name", "-name", "status", "-size", "updated_at", "-created_at", "status,-name"]


def documents(owner, count, name="same"):
    """So many that differ in nothing but their ids; all of one moment."""
    return Document.objects.bulk_create(
        Document(
            owner=owner, name=name, size=1, sha256=uuid.uuid4().hex * 2, content_type="text/plain"
        )
        for _ in range(count)
    )


def pages(api, address, way="next"):
    """The ids on each page from there on."""
    while address:
        body = api.get(address).json()
        yield [row["id"] for row in body["results"]]
        address = body[way]


def last_page(api, address):
    while following := api.get(address).json()["next"]:
        address = following
    return address


@pytest.mark.parametrize("ordering", ORDERS)
def test_each_document_is_on_one_page_and_the_way_back_is_the_same(api, user, ordering):
    documents(user, 7, "a")
    documents(user, 6, "b")
    address = f"/api/documents/?page_size=2&ordering={ordering}"
    forth = list(pages(api, address))
    ids = list(itertools.chain(*forth))
    assert sorted(ids) == sorted(str(pk) for pk in Document.objects.values_list("pk", flat=True))
    assert [len(page) for page in forth] == [2] * 6 + [1]
    last = last_page(api, address)
    back = list(pages(api, last, "previous"))
    assert list(itertools.chain(*reversed(back))) == ids


def test_more_equal_rows_than_a_thousand(api, user):
    documents(user, 1250)
    found = list(itertools.chain(*pages(api, "/api/documents/?page_size=200&ordering=status")))
    assert len(found) == len(set(found)) == 1250


def test_rows_that_come_and_go_between_two_pages_move_no_other(api, user):
    rows = sorted(str(row.pk) for row in documents(user, 5))
    address = "/api/documents/?page_size=2&ordering=name"
    body = api.get(address).json()
    Document.objects.filter(pk=rows[0]).delete()
    documents(user, 1, "earlier")
    assert [row["id"] for row in api.get(body["next"]).json()["results"]] == rows[2:4]


def test_from_a_page_whose_rows_are_gone_one_comes_back_to_those_that_are_left(api, user):
    rows = sorted(str(row.pk) for row in documents(user, 4))
    following = api.get("/api/documents/?page_size=2&ordering=name").json()["next"]
    Document.objects.filter(pk__in=rows[2:]).delete()
    empty = api.get(following).json()
    assert (empty["results"], empty["next"]) == ([], None)
    back = api.get(empty["previous"]).json()
    assert [row["id"] for row in back["results"]] == rows[:2]
    assert (back["next"], back["previous"]) == (None, None)


def test_tasks_of_one_moment_and_chunks_are_paged_whole(api, user):
    for _ in range(5):
        document = make_row(user)
        Task.objects.create(pipeline="document", owner=user, document=document)
    Task.objects.update(created_at=Now())
    found = list(itertools.chain(*pages(api, "/api/tasks/?page_size=2")))
    assert len(found) == len(set(found)) == 5
    long = make_document(user, "long", [f"passage {n}" for n in range(5)])
    found = list(itertools.chain(*pages(api, f"/api/documents/{long.pk}/chunks/?page_size=2")))
    in_order = Chunk.objects.filter(document=long).order_by("index").values_list("pk", flat=True)
    assert found == [str(pk) for pk in in_order]


@pytest.mark.parametrize("cursor", ["x", "é", "cD0x", "cD1ub25zZW5zZQ==", "W251bGwsIDFd:x", "%00"])
def test_a_cursor_that_is_none_is_404_in_every_list(api, user, cursor):
    document = make_document(user, "a", ["one"])
    task = Task.objects.create(pipeline="document", owner=user, document=document)
    for path in ("documents/", "tasks/", f"documents/{document.pk}/chunks/",
                 f"tasks/{task.pk}/history/"):  # fmt: skip
        assert_problem(api.get(f"/api/{path}?cursor={cursor}"), 404, "not_found")


@pytest.mark.parametrize("size", ["0", "-1", "201", "abc", "1.5", "9" * 5000])
def test_a_page_of_a_size_that_there_is_not_is_400_in_every_list(api, user, size):
    document = make_document(user, "a", ["one"])
    task = Task.objects.create(pipeline="document", owner=user, document=document)
    for path in ("documents/", "tasks/", f"documents/{document.pk}/chunks/",
                 f"tasks/{task.pk}/history/"):  # fmt: skip
        answer = api.get(f"/api/{path}?page_size={size}")
        assert_problem(answer, 400, "invalid")
        assert [error["field"] for error in answer.json()["errors"]] == ["page_size"]


@pytest.mark.parametrize("ordering", ["nmae", "-created", "name,size,owner", "name,,size", ","])
def test_an_order_that_there_is_not_is_400_and_tells_which_there_are(api, ordering):
    answer = api.get(f"/api/documents/?ordering={ordering}")
    assert_problem(answer, 400, "invalid")
    assert answer.json()["detail"] == (
        "ordering: It must be one of created_at, updated_at, name, size, status, with “-” before "
        "it to reverse the order."
    )


def test_what_is_left_empty_is_not_asked_for(api, user):
    documents(user, 2)
    empty = "&".join(f"{name}=" for name in ("cursor", "page_size", "ordering", "search", "status"))
    assert len(api.get(f"/api/documents/?{empty}").json()["results"]) == 2


def test_a_cursor_of_another_order_or_list_is_404(api, user):
    documents(user, 3)
    body = api.get("/api/documents/?page_size=1&ordering=name").json()
    cursor = body["next"].partition("cursor=")[2].partition("&")[0]
    for address in ("/api/documents/?ordering=size", "/api/documents/?ordering=-name",
                    "/api/documents/?", "/api/tasks/?"):  # fmt: skip
        assert_problem(api.get(f"{address}&cursor={cursor}"), 404, "not_found")


def test_a_late_page_of_the_common_list_is_found_by_the_index(api, user):
    documents(user, 2000)
    table = Document._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE {table} SET created_at = now() - place * interval '1 s'
            FROM (SELECT id, row_number() OVER () AS place FROM {table}) numbered
            WHERE numbered.id = {table}.id"""
        )
        cursor.execute(f"ANALYZE {table}")
    following = api.get("/api/documents/").json()["next"]
    with CaptureQueriesContext(connection) as captured:
        api.get(following)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {captured[-1]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert re.search(r"using document_(owner_)?created.*\n.*Index Cond: .*created_at <=", plan), (
        plan
    )
