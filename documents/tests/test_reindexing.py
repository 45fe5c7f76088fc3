"""Passages that an earlier version indexed get the words of this one, while all goes on."""

import threading

import pytest
from django.db import connection, transaction
from django.db.models import F

from documents import reindexing, search
from documents.models import Chunk, Document, Extraction
from documents.reindexing import reindex
from documents.tasks import reindex_words
from documents.tests.searchable import make_document
from documents.weights import DIMENSIONS
from documents.words import RULES
from tasks.tests.factories import Script, at_once, make_task, register

pytestmark = pytest.mark.django_db


def as_earlier(*documents):
    """Their words as if an earlier version had not known that "500mg" holds a figure."""
    for document in documents:
        Document.objects.filter(pk=document.pk).update(word_rules=RULES - 1)
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {Chunk._meta.db_table} SET words = %s, weights = %s"
                " WHERE document_id = %s AND text LIKE %s",
                ["500mg", f"{{1:1}}/{DIMENSIONS}", document.pk, "%500mg%"],
            )


def found(user, query):
    return [
        hit.chunk.text for hit in search.search(owner_id=user.pk, query=query, top_k=9, mode="text")
    ]


def versions():
    """Which version of its row each chunk has: Postgres writes another one for each change."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, ctid::text FROM {Chunk._meta.db_table}")
        return dict(cursor.fetchall())


def test_what_an_earlier_version_indexed_is_found_by_the_words_of_this_one(user, embedder):
    document = make_document(user, "a", ["take 500mg of it", "and some water"])
    as_earlier(document)
    assert found(user, "500") == []
    reindex_words()
    assert found(user, "500") == ["take 500mg of it"]
    document.refresh_from_db()
    assert document.word_rules == RULES


def test_what_stays_the_same_is_not_written(user, embedder, monkeypatch):
    monkeypatch.setattr(reindexing, "BATCH", 2)
    texts = [f"{n} of them and {'500mg' if n == 3 else 'nothing'}" for n in range(5)]
    as_earlier(make_document(user, "a", texts))
    before = versions()
    assert reindex(seconds=60) == 1
    changed = [pk for pk, version in versions().items() if version != before[pk]]
    assert list(Chunk.objects.filter(pk__in=changed).values_list("index", flat=True)) == [3]
    assert reindex(seconds=60) == 0


def test_it_ends_when_its_time_is_over_and_goes_on_next_time(user, embedder):
    as_earlier(*(make_document(user, name, [f"500mg for {name}"]) for name in "abc"))
    assert reindex(seconds=-1) == 0
    assert reindex(seconds=60) == 3


@pytest.mark.django_db(transaction=True)
def test_one_that_somebody_holds_is_left_for_the_next_time(user, embedder):
    held, other = (make_document(user, name, [f"500mg for {name}"]) for name in "ab")
    as_earlier(held, other)
    locked, done = threading.Event(), threading.Event()

    def store():
        with transaction.atomic():
            Chunk.objects.filter(document=held).update(index=F("index") + 1)
            locked.set()
            assert done.wait(30)

    def go_on():
        assert locked.wait(30)
        try:
            return reindex(seconds=60)
        finally:
            done.set()

    assert at_once(store, go_on) == [None, 1]
    assert found(user, "500") == ["500mg for b"]
    assert reindex(seconds=60) == 1
    assert set(found(user, "500")) == {"500mg for a", "500mg for b"}


def test_one_that_was_stored_anew_meanwhile_keeps_what_it_was_given(user, embedder, monkeypatch):
    document = make_document(user, "a", ["take 500mg"])
    as_earlier(document)
    write, text = reindexing._write_batch, text_of(document)

    def while_another_version_stores_it(*args):
        Document.objects.filter(pk=document.pk).update(extraction=text, word_rules=1)
        return write(*args)

    monkeypatch.setattr(reindexing, "_write_batch", while_another_version_stores_it)
    assert reindex(seconds=60) == 0
    document.refresh_from_db()
    assert document.word_rules == 1


def text_of(document):
    register(Script())
    task = make_task(document.owner, document)
    return Extraction.objects.create(document=document, task=task, text="take 500mg")
