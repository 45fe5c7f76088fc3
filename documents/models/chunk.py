"""Passages: of a task that works, and of what is searched."""

from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from pgvector import SparseVector
from pgvector.django import HalfVectorField, SparseVectorField, VectorField

from documents.models.document import Document
from documents.models.space import EmbeddingSpace
from documents.weights import DIMENSIONS


def no_words() -> SparseVector:
    """The weights of a passage that is not indexed yet."""
    return SparseVector({}, DIMENSIONS)


class Passage(models.Model):
    """The fields of a chunk that exist before its vector does."""

    id = models.UUIDField(primary_key=True, editable=False)
    document = models.ForeignKey(Document, models.CASCADE, related_name="%(class)ss")
    index = models.PositiveIntegerField()
    text = models.TextField()  # == extraction.text[start:end], in code points
    start = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    page_start = models.PositiveIntegerField(null=True)
    page_end = models.PositiveIntegerField(null=True)
    headings = ArrayField(models.TextField(), default=list)  # from the outermost
    context = models.TextField(blank=True)  # embedded before the text, never part of it
    digest = models.BinaryField(max_length=32)  # of what is embedded, and for whom
    words = SearchVectorField(default="")  # which ones it holds, to find it by
    weights = SparseVectorField(dimensions=DIMENSIONS, default=no_words)  # and how much each counts

    class Meta:
        abstract = True


class Draft(Passage):
    """A passage of a task that has not finished; search never sees it."""

    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment] # it is no chunk yet
    chunk_id = models.UUIDField(editable=False)
    task = models.ForeignKey("tasks.Task", models.CASCADE, related_name="+")
    word_rules = models.PositiveSmallIntegerField(default=1, db_default=1)  # `words.RULES`
    embedding = VectorField(null=True)  # as soon as it is paid for
    space = models.ForeignKey(
        EmbeddingSpace, models.SET_NULL, null=True, db_index=False, related_name="+"
    )  # the vector's

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["task", "index"], name="one_draft_per_index")
        ]
        indexes = [models.Index(fields=["digest"], name="draft_digest")]  # vectors to use again

    def __str__(self) -> str:
        return f"draft {self.index} of {self.document_id}"


class Chunk(Passage):
    """A passage of a document with its place and its words."""

    # The document's, kept here because every search asks for it. Without a constraint of its own:
    # the document's is enough.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, db_constraint=False, db_index=False,
        related_name="+",
    )  # fmt: skip

    class Meta:
        ordering = ["document", "index"]
        constraints = [
            models.UniqueConstraint(fields=["document", "index"], name="one_chunk_per_index"),
            models.CheckConstraint(name="chunk_span", condition=Q(end__gt=F("start"))),
        ]
        indexes = [
            models.Index(fields=["digest"], name="chunk_digest"),  # vectors to use again
            models.Index(fields=["owner"], name="chunk_owner"),
            GinIndex(name="chunk_words", fields=["words"]),
        ]

    def __str__(self) -> str:
        return f"chunk {self.index} of {self.document_id}"


def _unchecked(model: Any, **values: Any) -> Any:
    """A key that Postgres need not look up for every vector: the chunk's are enough."""
    return models.ForeignKey(
        model, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+", **values
    )


class ChunkVector(models.Model):
    """A chunk's vector in one space, of length 1; half the bits are enough.

    A table of its own, for a search reads many vectors and few chunks. Postgres removes a chunk's
    vectors with it. Each space has its own graph: see `documents.spaces`.
    """

    pk = models.CompositePrimaryKey("chunk", "space")
    chunk = _unchecked(Chunk)
    space = _unchecked(EmbeddingSpace)
    owner = _unchecked(settings.AUTH_USER_MODEL)
    document = _unchecked(Document)
    embedding = HalfVectorField()

    class Meta:
        indexes = [
            models.Index(fields=["owner"], name="vector_owner"),
            models.Index(fields=["document"], name="vector_document"),
        ]

    def __str__(self) -> str:
        return f"vector of {self.chunk_id}"
