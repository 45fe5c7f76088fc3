"""Search keeps to the asker's chunks and always finds `top_k`, by whichever way it looks."""

import pytest

from documents import search
from documents.models import Chunk, Document, DocumentStatus
from documents.tests.embedding_server import vector

pytestmark = pytest.mark.django_db


def make_document(owner, name, texts):
    document = Document.objects.create(
        owner=owner, name=name, size=1, sha256=name, chunk_count=len(texts),
        status=DocumentStatus.AVAILABLE, content_type="text/plain",
    )  # fmt: skip
    for index, text in enumerate(texts):
        Chunk.objects.create(
            id=f"00000000-0000-0000-{document.pk.hex[:4]}-{index:012}", document=document,
            index=index, text=text, start=0, end=1, digest=b"", embedding=vector(text),
        )  # fmt: skip
    return document


@pytest.mark.parametrize("exact_up_to", [10_000, 0], ids=["exact", "graph"])
def test_a_small_owner_beside_a_large_one_gets_all_the_hits(
    user, other_user, embedder, monkeypatch, exact_up_to
):
    monkeypatch.setattr(search, "EXACT_UP_TO", exact_up_to)
    make_document(other_user, "large", [f"the storm number {n}" for n in range(300)])
    mine = make_document(user, "small", [f"the calm after storm {n}" for n in range(12)])
    hits = search.search(owner_id=user.pk, query="the storm", top_k=10)
    assert len(hits) == 10
    assert {hit.document for hit in hits} == {mine}
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_nothing_is_asked_of_the_endpoint_when_there_is_nothing_to_search(user, embedder):
    assert search.search(owner_id=user.pk, query="anything", top_k=3) == []
    assert embedder.requests == 0
