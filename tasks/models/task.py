"""Task and TaskDetail: the state of every run, and the only table of allowed transitions."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tasks import pipelines


class Status(models.TextChoices):
    PENDING = "PENDING", _("Pending")  # waits for a worker, or for its turn after a pause
    RUNNING = "RUNNING", _("Running")
    COMPLETED = "COMPLETED", _("Completed")
    FAILED = "FAILED", _("Failed")
    CANCELLED = "CANCELLED", _("Cancelled")


class Lane(models.TextChoices):
    """Long work never takes the last slot, so that short work need not wait for it."""

    QUICK = "QUICK", _("Quick")
    BULK = "BULK", _("Bulk")


LIVE = (Status.PENDING, Status.RUNNING)
TERMINAL = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)

#   PENDING <-> RUNNING -> COMPLETED        (a step goes back to PENDING when it is paused,
#      |           |                         backs off, or its worker was lost)
#      +-----------+---> FAILED, CANCELLED --retry--> PENDING
TRANSITIONS: dict[Status, tuple[Status, ...]] = {
    Status.PENDING: (Status.RUNNING, Status.FAILED, Status.CANCELLED),
    Status.RUNNING: (Status.PENDING, Status.COMPLETED, Status.FAILED, Status.CANCELLED),
    Status.COMPLETED: (),
    Status.FAILED: (Status.PENDING,),
    Status.CANCELLED: (Status.PENDING,),
}


def sources(to: Status) -> list[Status]:
    """The states from which `to` may be reached."""
    return [state for state, targets in TRANSITIONS.items() if to in targets]


class TrackedQuerySet(models.QuerySet[Any]):
    def swap(self, to: Status, **values: Any) -> int:
        """Move the matching rows to `to` where allowed; how many (0: somebody was first)."""
        stamp = Now() if to in TERMINAL else None
        return self.filter(status__in=sources(to)).update(status=to, completed_at=stamp, **values)


class TaskQuerySet(TrackedQuerySet):
    def latest_of_each_document(self) -> "TaskQuerySet":
        return self.order_by("document_id", "-created_at").distinct("document_id")


class Task(models.Model):
    """One run of a pipeline over one subject."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pipeline = models.CharField(_("pipeline"), max_length=40)
    document = models.ForeignKey(
        "documents.Document", models.CASCADE, related_name="tasks", null=True, blank=True
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("owner")
    )
    options = models.JSONField(_("options"), default=dict, blank=True)
    lane = models.CharField(_("lane"), max_length=5, choices=Lane, default=Lane.QUICK)
    effort = models.PositiveIntegerField(default=0, help_text=_("Seconds, a guess."))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    progress = models.PositiveSmallIntegerField(_("progress"), default=0)
    error_code = models.CharField(_("error code"), max_length=64, null=True, blank=True)  # noqa: DJ001 - null in the API
    error_message = models.TextField(_("error"), null=True, blank=True)  # noqa: DJ001
    attempt = models.PositiveIntegerField(_("attempt"), default=1)
    seq = models.PositiveBigIntegerField(default=1)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("changed"), db_default=Now(), editable=False)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    completed_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = TaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(
                name="task_completed_at_iff_terminal",
                condition=Q(status__in=TERMINAL, completed_at__isnull=False)
                | Q(status__in=LIVE, completed_at__isnull=True),
            ),
            models.CheckConstraint(name="task_progress_percent", condition=Q(progress__lte=100)),
            models.UniqueConstraint(
                name="one_live_task_per_document",
                fields=["document"],
                condition=Q(status__in=LIVE),
            ),
        ]
        indexes = [
            # the API's list and the socket of all of one user's tasks
            models.Index(fields=["owner", "-created_at"], name="task_owner_created"),
            models.Index(fields=["owner", "-updated_at"], name="task_owner_updated"),
            # the latest task of a document
            models.Index(fields=["document", "-created_at"], name="task_document_created"),
            # the admin shows the task that has waited for longest
            models.Index(fields=["updated_at"], name="task_live", condition=Q(status__in=LIVE)),
            models.Index(fields=["status", "-created_at"], name="task_status_created"),
            # the admin's list of all tasks, and its charts of the last day
            models.Index(fields=["-created_at", "-id"], name="task_created"),
            models.Index(
                fields=["completed_at", "status"],
                name="task_completed",
                condition=Q(status__in=(Status.COMPLETED, Status.FAILED)),
            ),
        ]

    def __str__(self) -> str:
        return str(self.document or f"{self.pipeline} {self.pk}")

    @property
    def steps(self) -> pipelines.Pipeline:
        return pipelines.get(self.pipeline)

    @property
    def is_live(self) -> bool:
        return self.status in LIVE


class TaskDetail(models.Model):
    """One step of a task. While it runs it has an owner whose lease must be renewed."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="task_details")
    step_type = models.CharField(max_length=40)
    step_order = models.PositiveSmallIntegerField()
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    progress = models.PositiveSmallIntegerField(_("progress"), default=0)
    details = models.JSONField(default=dict, blank=True)
    error_code = models.CharField(max_length=64, null=True, blank=True)  # noqa: DJ001
    error_message = models.TextField(_("error"), null=True, blank=True)  # noqa: DJ001
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    owner = models.UUIDField(null=True, blank=True)  # the claim; every write is conditional on it
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(_("worker"), max_length=200, blank=True)
    message_id = models.UUIDField(null=True, blank=True)  # Celery's, that it runs or ran for
    failures = models.PositiveSmallIntegerField(
        _("failures"), default=0
    )  # transient ones, since the last retry
    losses = models.PositiveSmallIntegerField(
        _("lost workers"), default=0
    )  # workers lost in this step, likewise

    objects = TrackedQuerySet.as_manager()

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["step_order"]
        constraints = [
            models.UniqueConstraint(fields=["task", "step_type"], name="one_detail_per_step"),
            models.UniqueConstraint(fields=["task", "step_order"], name="one_detail_per_place"),
            models.CheckConstraint(
                name="detail_completed_at_iff_terminal",
                condition=Q(status__in=TERMINAL, completed_at__isnull=False)
                | Q(status__in=LIVE, completed_at__isnull=True),
            ),
            models.CheckConstraint(name="detail_progress_percent", condition=Q(progress__lte=100)),
            models.CheckConstraint(
                name="detail_owned_iff_running",
                condition=Q(
                    status=Status.RUNNING, owner__isnull=False, lease_expires_at__isnull=False
                )
                | (~Q(status=Status.RUNNING) & Q(owner=None, lease_expires_at=None)),
            ),
        ]
        indexes = [
            # the sweeper looks for expired leases
            models.Index(
                fields=["lease_expires_at"],
                name="detail_lease",
                condition=Q(status=Status.RUNNING),
            ),
            # how fast the queue moves
            models.Index(
                fields=["completed_at"],
                name="detail_completed",
                condition=Q(status=Status.COMPLETED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step_type} of {self.task_id}"

    @property
    def step_name(self) -> str:
        return pipelines.label(self.task.pipeline, self.step_type)
