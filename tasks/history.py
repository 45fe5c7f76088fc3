"""The history of a task: who did what to it, when and why. Written with the change it tells of."""

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
# A restart has a code only: the sentence of the error is for when there will be no other.
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
    """Add an entry; `about` has the other fields of TaskEvent."""
    what = {"task": task.pk, "attempt": task.attempt, "event": event.value}
    rows.change(_RECORD, {**_UNSAID, **about, **what})


def record_wait(task: Task, **about: Any) -> None:
    """A step waits. If that is what happened last, for the same reason, it happened once more."""
    last = TaskEvent.objects.filter(task=task).order_by("-pk").values("pk")[:1]
    same = TaskEvent.objects.filter(pk=last, event=Event.POSTPONED, attempt=task.attempt, **about)
    if not same.update(times=F("times") + 1, last_at=Now()):
        record(task, Event.POSTPONED, **about)


def reason(entry: TaskEvent) -> str | None:
    """Why, in words, where there is more to say than the event."""
    restarted = entry.event == Event.RESTARTED and _RESTARTED.get(entry.error_code)
    return str(restarted) if restarted else translated(entry.reason)


def by(entry: TaskEvent) -> str | None:
    """Whose wish it was, "owner" or "staff"; None: Notebook's own, or nobody's who is known."""
    if entry.by_id is None:
        return None
    return "owner" if entry.by_id == entry.task.owner_id else "staff"
