"""`task_changed` tells that a task has a new state. Services decide, signals only tell."""

from functools import partial
from uuid import UUID

from django.db import transaction
from django.dispatch import Signal

from tasks.models import Task

task_changed = Signal()  # sender: Task; task_id: UUID


def announce(task_id: UUID) -> None:
    """Send `task_changed` once the surrounding transaction is committed."""
    transaction.on_commit(partial(task_changed.send_robust, Task, task_id=task_id), robust=True)
