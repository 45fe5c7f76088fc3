"""The index of vectors is there when a search needs it, built once, beside whatever goes on."""

import threading

import psycopg
import pytest
from django.db import connection
from django.db.models import F

from documents import graphs, search, spaces
from documents.models import ChunkVector, Document
from documents.search import extent
from documents.tasks import build_graph
from documents.tests.searchable import make_document
from tasks.tests.factories import at_once


@pytest.fixture
def space(db, monkeypatch):
    monkeypatch.setattr(graphs, "NEEDED_FROM", 10)
    return spaces.active()


@pytest.fixture
def committed_space(space, transactional_db):
    """Of a database whose changes stay, so that an index may be built beside them."""
    yield space
    graphs.drop(space)


def index_of(space):
    """Its number and whether it may be used; None if there is none."""
    asked = "SELECT indexrelid::int, indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
    with connection.cursor() as cursor:
        cursor.execute(asked, [graphs.name_of(space)])
        return cursor.fetchone()


def test_a_new_database_has_none(space):
    assert index_of(space) is None


def test_many_chunks_of_one_owner_need_it_not_the_few_of_many(space, user, other_user, embedder):
    make_document(user, "a", [f"storm {n}" for n in range(6)])
    make_document(other_user, "b", [f"storm {n}" for n in range(10)])
    assert not graphs.are_needed()
    make_document(user, "c", [f"calm {n}" for n in range(5)])
    assert graphs.are_needed()


def test_it_is_built_when_it_is_needed(committed_space, user, embedder):
    make_document(user, "a", [f"storm {n}" for n in range(10)])
    build_graph()
    assert index_of(committed_space) is None
    Document.objects.update(chunk_count=F("chunk_count") + 1)
    build_graph()
    number, valid = index_of(committed_space)
    assert valid
    build_graph()
    assert index_of(committed_space) == (number, True)


def test_what_an_interrupted_attempt_left_is_built_anew(committed_space):
    graphs.build(committed_space)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)",
            [graphs.name_of(committed_space)],
        )
    left, _ = index_of(committed_space)
    graphs.ensure(committed_space)
    number, valid = index_of(committed_space)
    assert valid
    assert number != left


def test_it_waits_for_who_has_looked_at_the_table_however_long_that_takes(committed_space):
    """A backup, for instance: to give up after the ten seconds of others is to begin anew."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        other.execute("SELECT 1")
        end = threading.Timer(1, other.commit)
        end.start()
        graphs.ensure(committed_space)
        end.join()
    assert index_of(committed_space)[1]
    connection.close()  # with its timeout


def test_to_build_one_may_take_longer_than_a_step():
    """Of millions of vectors it does: stopped and begun anew, it would never be there."""
    assert build_graph.soft_time_limit == build_graph.time_limit == 86_400


def test_two_at_once_build_one_and_neither_takes_away_the_others(
    committed_space, monkeypatch, user, embedder
):
    make_document(user, "a", [f"storm {n}" for n in range(20)])
    builds, building, done = [], threading.Event(), threading.Event()
    build = graphs.build

    def slowly(space):
        builds.append(space)
        building.set()
        assert done.wait(30)
        build(space)

    def second():
        assert building.wait(30)
        graphs.ensure(committed_space)
        done.set()

    monkeypatch.setattr(graphs, "build", slowly)
    assert at_once(lambda: graphs.ensure(committed_space), second) == [None, None]
    assert builds == [committed_space]
    assert index_of(committed_space)[1]
    assert ChunkVector.objects.count() == 20
    graphs.ensure(committed_space)  # the lock is free again
    assert builds == [committed_space]


def test_before_it_is_there_a_search_in_many_chunks_compares_them_all(
    space, monkeypatch, user, embedder
):
    make_document(user, "a", [f"the storm number {n}" for n in range(30)])
    compared = search.search(owner_id=user.pk, query="storm 7", top_k=10)
    monkeypatch.setattr(extent, "EXACT_UP_TO", 0)
    assert search.search(owner_id=user.pk, query="storm 7", top_k=10) == compared
