"""Documents of an earlier version can be searched by this one."""

import uuid

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from documents import search
from documents.models import Chunk
from documents.tests.embedding_server import vector

BEFORE = [("documents", "0003_scanned_pages")]


def migrate(targets):
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    return MigrationExecutor(connection).loader.project_state(targets).apps


@pytest.fixture
def newest():
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()  # other apps may depend on it
    yield latest
    migrate(latest)


@pytest.mark.django_db(transaction=True)
def test_chunks_without_words_get_them(user, embedder, newest):
    apps = migrate(BEFORE)
    document = apps.get_model("documents", "Document").objects.create(
        owner_id=user.pk, name="a.txt", size=1, sha256="a" * 64, chunk_count=2,
        status="AVAILABLE", content_type="text/plain", language="en",
    )  # fmt: skip
    for index, text in enumerate(("Two storms came.", "Nothing else.")):
        apps.get_model("documents", "Chunk").objects.create(
            id=uuid.uuid4(), document=document, index=index, text=text, start=0, end=9,
            digest=b"", embedding=[3 * value for value in vector(text)],
        )  # fmt: skip
    migrate(newest)
    assert {chunk.owner for chunk in Chunk.objects.select_related("owner")} == {user}
    for mode in ("text", "vector"):
        hits = search.search(owner_id=user.pk, query="storms came", top_k=1, mode=mode)
        assert [hit.chunk.text for hit in hits] == ["Two storms came."]
    with connection.cursor() as cursor:
        cursor.execute("SELECT l2_norm(embedding) FROM documents_chunkvector")
        assert [norm for (norm,) in cursor.fetchall()] == pytest.approx([1, 1], abs=1e-3)
