"""`task_changed` tells that a task has a new state. Services decide, signals only tell."""

from functools import partial

from django.db import transaction
from django.dispatch import Signal

from tasks.models import Task

task_changed = Signal()  # sender: Task; task_id: UUID, owner_id: int


def announce(task: Task) -> None:
    """Send `task_changed` once the surrounding transaction is committed."""
    values = {"task_id": task.pk, "owner_id": task.owner_id}
    transaction.on_commit(partial(task_changed.send_robust, Task, **values), robust=True)
