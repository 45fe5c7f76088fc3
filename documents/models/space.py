"""What makes vectors comparable, and the vectors that are kept to be used again."""

import os

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField


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
