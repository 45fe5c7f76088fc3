"""An uploaded file and what was read in it."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


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
    word_rules = models.PositiveSmallIntegerField(
        default=1, db_default=1, editable=False
    )  # `words.RULES` when its chunks got their words
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
            # the admin's list of all, and of what failed by cause
            models.Index(fields=["-created_at", "-id"], name="document_created"),
            models.Index(fields=["status", "error_code"], name="document_status_error"),
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
