"""The history of a task: who did what, when and why. Written in the change's own transaction."""

from typing import Any

from django.db.models import F
from django.db.models.functions import Now
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tasks import rows
from tasks.models import Status, Task, TaskEvent
from tasks.sentences import translated

Event = TaskEvent.Event
OF_STATUS = {
    Status.PENDING: Event.RETRIED,
    Status.RUNNING: Event.STARTED,
    Status.COMPLETED: Event.COMPLETED,
    Status.FAILED: Event.FAILED,
    Status.CANCELLED: Event.CANCELLED,
}
WORKER_STOPPED = "worker_stopped"
# A restart only has a code: the error's sentence is for the case that there is no other try.
_RESTARTED: dict[str | None, Promise] = {
    "worker_lost": _("Its worker was lost."),
    "step_timeout": _("It took too long."),
    WORKER_STOPPED: _("Its worker was stopped."),
}
_RECORD = f"""
    INSERT INTO {TaskEvent._meta.db_table}
        (task_id, attempt, event, by_id, step_type, worker, error_code, reason, times)
    VALUES (%(task)s, %(attempt)s, %(event)s, %(by_id)s, %(step_type)s, %(worker)s,
        %(error_code)s, %(reason)s, 1)
"""  # noqa: S608 - a name of our own
_UNSAID: dict[str, Any] = {
    "by_id": None,
    "step_type": "",
    "worker": "",
    "error_code": None,
    "reason": None,
}


def record(task: Task, event: Event, **about: Any) -> None:
    """Add an entry; `about` holds the other fields of TaskEvent."""
    what = {"task": task.pk, "attempt": task.attempt, "event": event.value}
    rows.change(_RECORD, {**_UNSAID, **about, **what})


def record_wait(task: Task, **about: Any) -> None:
    """A step waits. If the last entry says the same, count it once more instead of adding one."""
    last = TaskEvent.objects.filter(task=task).order_by("-pk").values("pk")[:1]
    same = TaskEvent.objects.filter(pk=last, event=Event.POSTPONED, attempt=task.attempt, **about)
    if not same.update(times=F("times") + 1, last_at=Now()):
        record(task, Event.POSTPONED, **about)


def reason(entry: TaskEvent) -> str | None:
    """Why it happened, in the active language; None if the event says it all."""
    restarted = entry.event == Event.RESTARTED and _RESTARTED.get(entry.error_code)
    return str(restarted) if restarted else translated(entry.reason)


def by(entry: TaskEvent) -> str | None:
    """Who asked for it, "owner" or "staff"; None: Notebook itself, or a deleted user."""
    if entry.by_id is None:
        return None
    return "owner" if entry.by_id == entry.task.owner_id else "staff"
