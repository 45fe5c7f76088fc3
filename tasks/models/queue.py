"""What waits for a worker, and the workers."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from tasks.models.task import Lane, Task


class OutboxMessage(models.Model):
    """A message that no worker has taken up yet. A task waits for at most one."""

    class Problem(models.TextChoices):
        """Why nothing moves."""

        NO_WORKER = "no_worker", _("No worker is running. This starts by itself when one is.")
        NO_QUEUE = "queue_unavailable", _("The queue can't be reached. We try again by ourselves.")

    task = models.OneToOneField(Task, models.CASCADE, primary_key=True, related_name="outbox")
    step_type = models.CharField(max_length=40, blank=True)  # "" is the task that dispatches
    attempt = models.PositiveIntegerField()
    due_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    # What ends the wait before it is due (tasks/waits.py). "" is nothing.
    waits_for = models.CharField(max_length=40, blank=True, db_default="")
    # The task's own, kept here because the queue is ordered by them.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    lane = models.CharField(max_length=5, choices=Lane)
    turn_at = models.DateTimeField()  # when the task was created, plus its effort
    # Shown to the person who waits.
    position = models.PositiveIntegerField(null=True, blank=True)  # 1 is the next to be sent
    seconds = models.PositiveIntegerField(null=True, blank=True)  # until its turn, estimated
    problem = models.CharField(max_length=20, choices=Problem, blank=True)

    class Meta:
        indexes = [
            # the next message of each owner and lane, and which of them have any
            models.Index(
                fields=["owner", "lane", "turn_at"],
                name="outbox_unsent",
                condition=Q(sent_at=None),
            ),
            # whether any is due
            models.Index(fields=["due_at"], name="outbox_due", condition=Q(sent_at=None)),
            # the few that workers have not taken up yet
            models.Index(
                fields=["sent_at"], name="outbox_sent", condition=Q(sent_at__isnull=False)
            ),
            # what is waited for
            models.Index(
                fields=["waits_for", "turn_at"], name="outbox_waits", condition=~Q(waits_for="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.step_type or 'dispatch'} of {self.task_id}"


class Turn(models.Model):
    """The last turn of an owner's lane: the higher its id, the later it was.

    Without a constraint in Postgres, which would lock the owner's row at each turn.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    lane = models.CharField(max_length=5, choices=Lane)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "lane"], name="one_last_turn")]

    def __str__(self) -> str:
        return f"{self.owner_id} {self.lane}"


class Worker(models.Model):
    """A worker that answered the sweeper, and how many steps it runs at a time."""

    name = models.CharField(_("name"), max_length=200, primary_key=True)
    slots = models.PositiveIntegerField(_("slots"))
    seen_at = models.DateTimeField(_("last seen"), db_default=Now())

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.name
