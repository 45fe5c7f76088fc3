"""What happened to a task."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tasks import pipelines
from tasks.models.task import Task


class TaskEvent(models.Model):
    """Something that happened to a task: an entry of its history, never changed later."""

    class Event(models.TextChoices):
        CREATED = "CREATED", _("Created")
        STARTED = "STARTED", _("Started")
        POSTPONED = "POSTPONED", _("Postponed")  # a step waits, for a reason that will pass
        RESTARTED = "RESTARTED", _("Restarted")  # a step goes to another worker
        COMPLETED = "COMPLETED", _("Completed")
        FAILED = "FAILED", _("Failed")
        CANCELLED = "CANCELLED", _("Cancelled")
        RETRIED = "RETRIED", _("Retried")

    task = models.ForeignKey(Task, models.CASCADE, related_name="history", db_index=False)
    event = models.CharField(_("event"), max_length=10, choices=Event)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("by"),
    )
    attempt = models.PositiveIntegerField(_("attempt"))
    step_type = models.CharField(max_length=40, blank=True)
    worker = models.CharField(_("worker"), max_length=200, blank=True)
    error_code = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    reason = models.TextField(null=True, blank=True)  # noqa: DJ001
    times = models.PositiveIntegerField(default=1)  # in a row: a wait may be renewed for days
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["pk"]
        indexes = [models.Index(fields=["task", "id"], name="event_of_task")]

    def __str__(self) -> str:
        return f"{self.event} {self.task_id}"

    @property
    def step_name(self) -> str:
        return pipelines.label(self.task.pipeline, self.step_type) if self.step_type else ""
