"""Documents, their text and their chunks, and what is kept so that nothing is paid for twice."""

import os
import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from pgvector import SparseVector
from pgvector.django import HalfVectorField, SparseVectorField, VectorField

from documents.words import DIMENSIONS


class DocumentStatus(models.TextChoices):
    PENDING = "PENDING", _("Pending")
    RUNNING = "RUNNING", _("Running")
    AVAILABLE = "AVAILABLE", _("Available")  # can be searched, whatever its latest task does
    FAILED = "FAILED", _("Failed")
    CANCELLED = "CANCELLED", _("Cancelled")


def storage_path(document: "Document", _filename: str) -> str:
    """A path of ours: a person's file name never becomes one."""
    return f"{str(document.pk)[:2]}/{document.pk}"


class Document(models.Model):
    """An uploaded file and what was made of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="documents", verbose_name=_("owner")
    )
    name = models.CharField(
        _("name"), max_length=255
    )  # what the person called it; for showing only
    file = models.FileField(upload_to=storage_path, max_length=100)
    content_type = models.CharField(_("type"), max_length=100)
    size = models.PositiveBigIntegerField(_("size"), help_text=_("Bytes."))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    status = models.CharField(
        _("status"), max_length=10, choices=DocumentStatus, default=DocumentStatus.PENDING
    )
    error_code = models.CharField(_("error code"), max_length=64, null=True, blank=True)  # noqa: DJ001 - null in the API
    error_message = models.TextField(_("error"), null=True, blank=True)  # noqa: DJ001
    page_count = models.PositiveIntegerField(_("pages"), null=True, blank=True)
    chunk_count = models.PositiveIntegerField(_("chunks"), default=0)
    language = models.CharField(_("language"), max_length=10, blank=True)
    extraction = models.ForeignKey(
        "Extraction", models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )  # the one the chunks' spans refer to
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("changed"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "sha256"], name="one_document_per_content"),
            models.CheckConstraint(
                name="available_has_chunks",
                condition=~Q(status=DocumentStatus.AVAILABLE) | Q(chunk_count__gt=0),
            ),
        ]
        indexes = [
            # the API's list, and the same filtered by status
            models.Index(fields=["owner", "-created_at", "-id"], name="document_owner_created"),
            models.Index(fields=["owner", "status"], name="document_owner_status"),
        ]

    def __str__(self) -> str:
        return self.name


class Extraction(models.Model):
    """What one task read: the normalised text and the elements that lie in it."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="extractions")
    task = models.OneToOneField("tasks.Task", models.CASCADE, related_name="+")
    text = models.TextField()
    elements = models.JSONField(default=list)  # Element fields as a list, in reading order
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"text of {self.document_id}"


class ScannedPage(models.Model):
    """What OCR read on one page. It depends on nothing but the file, so it is read once."""

    document = models.ForeignKey(Document, models.CASCADE, related_name="scanned_pages")
    page = models.PositiveIntegerField()  # 1-based
    read = models.JSONField()  # lines with their geometry, as documents.extraction.ocr keeps them

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["document", "page"], name="one_scan_per_page")
        ]

    def __str__(self) -> str:
        return f"page {self.page} of {self.document_id}"


def no_words() -> SparseVector:
    """The weights of a passage that is not indexed yet."""
    return SparseVector({}, DIMENSIONS)


class EmbeddingSpace(models.Model):
    """What makes vectors comparable: one model at one endpoint, told in one way what it reads."""

    class State(models.TextChoices):
        BUILDING = "BUILDING", _("Being filled")
        ACTIVE = "ACTIVE", _("Searched")
        RETIRED = "RETIRED", _("Being removed")

    passage_model = models.CharField(_("passages' model"), max_length=200)
    query_model = models.CharField(_("questions' model"), max_length=200)
    dimensions = models.PositiveSmallIntegerField(_("dimensions"))
    passage_prefix = models.CharField(
        _("passages' prefix"), max_length=500, blank=True
    )  # put before what is embedded
    query_prefix = models.CharField(_("questions' prefix"), max_length=500, blank=True)
    base_url = models.CharField(_("address"), max_length=500, blank=True)  # "": EMBEDDING_BASE_URL
    # Of the variable that holds the key; "": OPENAI_API_KEY. No secret is in the database.
    key_variable = models.CharField(_("variable of the key"), max_length=100, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State)
    task = models.ForeignKey("tasks.Task", models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    switched_at = models.DateTimeField(
        _("switched"), null=True
    )  # since then it is searched, or no longer

    class Meta:
        verbose_name = _("embedding space")
        verbose_name_plural = _("embedding spaces")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], name="one_space_searched", condition=Q(state="ACTIVE")
            ),
            models.UniqueConstraint(
                fields=["state"], name="one_space_built", condition=Q(state="BUILDING")
            ),
            models.CheckConstraint(
                name="space_dimensions", condition=Q(dimensions__gt=0, dimensions__lte=4000)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.passage_model}, {self.dimensions} dimensions"

    @property
    def url(self) -> str:
        """Of its endpoint."""
        return self.base_url or settings.EMBEDDING_BASE_URL

    @property
    def key(self) -> str:
        """What its endpoint wants to be told; empty if nothing."""
        if not self.key_variable:
            return str(settings.OPENAI_API_KEY)
        return os.environ.get(self.key_variable, "")


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
    digest = models.BinaryField(max_length=32)  # of what is embedded
    words = SearchVectorField(default="")  # which ones it holds, to find it by
    weights = SparseVectorField(dimensions=DIMENSIONS, default=no_words)  # and how much each counts

    class Meta:
        abstract = True


class Draft(Passage):
    """A passage of a task that has not finished; search never sees it."""

    id = models.BigAutoField(primary_key=True)  # type: ignore[assignment] # it is no chunk yet
    chunk_id = models.UUIDField(editable=False)
    task = models.ForeignKey("tasks.Task", models.CASCADE, related_name="+")
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


class KeptVector(models.Model):
    """A vector whose chunk is gone, for EMBEDDING_CACHE_DAYS: the text may come again."""

    pk = models.CompositePrimaryKey("space", "digest")
    space = models.ForeignKey(EmbeddingSpace, models.CASCADE, db_index=False, related_name="+")
    digest = models.BinaryField(max_length=32)
    embedding = HalfVectorField()
    kept_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["kept_at"], name="kept_vector_age")]

    def __str__(self) -> str:
        return f"kept since {self.kept_at}"


class Usage(models.Model):
    """What one owner used on one day, UTC. Nothing is taken off when documents are deleted."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("owner")
    )
    day = models.DateField(_("day"))
    documents = models.PositiveBigIntegerField(
        _("documents"), default=0, help_text=_("Uploaded, and new.")
    )
    chunks = models.PositiveBigIntegerField(_("chunks"), default=0, help_text=_("Stored."))
    tokens = models.PositiveBigIntegerField(
        _("tokens"),
        default=0,
        help_text=_("Of the embedding service, by its own count where it tells one."),
    )
    requests = models.PositiveBigIntegerField(
        _("requests"), default=0, help_text=_("To the embedding service, answered.")
    )

    class Meta:
        verbose_name = _("usage")
        verbose_name_plural = _("usage")
        ordering = ["-day", "owner"]
        constraints = [models.UniqueConstraint(fields=["owner", "day"], name="one_usage_per_day")]
        indexes = [models.Index(fields=["day"], name="usage_day")]  # the admin's list

    def __str__(self) -> str:
        return f"{self.owner_id} on {self.day}"
