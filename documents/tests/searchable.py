"""Documents as they are when they can be searched, without the work before."""

import uuid

from django.db import connection

from documents import spaces
from documents.models import Chunk, ChunkVector, Document, DocumentStatus
from documents.search import rarity
from documents.steps.embed import digest, text_digest
from documents.tests.embedding_server import vector
from documents.weights import indexed


def make_document(owner, name, texts, *, pages=False, **values):
    """A document whose chunks are `texts`, each on a page of its own if it has `pages`."""
    fields = {"content_type": "text/plain", "language": "en", **values}
    document = Document.objects.create(
        owner=owner, name=name, size=1, sha256=uuid.uuid4().hex * 2, chunk_count=len(texts),
        status=DocumentStatus.AVAILABLE, **fields,
    )  # fmt: skip
    rows = [chunk_of(document, index, text, pages) for index, text in enumerate(texts)]
    Chunk.objects.bulk_create(rows)
    add_vectors(rows)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {Chunk._meta.db_table} SET words = %s::tsvector, weights = %s::sparsevec"
            " WHERE id = %s",
            [(*indexed(row.text, document.language, document.name), row.pk) for row in rows],
        )
    return document


def chunk_of(document, index, text, pages):
    page = index + 1 if pages else None
    return Chunk(
        id=uuid.uuid4(), document=document, owner=document.owner, index=index, text=text,
        start=index * 1000, end=index * 1000 + len(text), page_start=page, page_end=page,
        digest=digest(text_digest("", text), document.owner_id),
    )  # fmt: skip


def add_vectors(chunks):
    ChunkVector.objects.bulk_create(
        ChunkVector(
            chunk=chunk, space=spaces.active(), owner_id=chunk.owner_id,
            document_id=chunk.document_id, embedding=vector(chunk.text),
        )
        for chunk in chunks
    )  # fmt: skip


def analyze():
    """Let Postgres learn how common words are."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {Chunk._meta.db_table}, {ChunkVector._meta.db_table}")
    rarity.forget()
