"""What is counted."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


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
