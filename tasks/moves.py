"""What services are made of: locks, and the moves of a task and its steps.

Each is to be called in a transaction, and holds the row it changed until that ends.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from tasks import outbox
from tasks.exceptions import Fenced, TaskError, WrongState
from tasks.models import TERMINAL, Status, Task, TaskDetail
from tasks.signals import announce

log = structlog.get_logger(__name__)
NO_OWNER: dict[str, Any] = {"owner": None, "lease_expires_at": None}
NO_ERROR: dict[str, Any] = {"error_code": None, "error_message": None}


def lease() -> Any:
    """When a lease that begins or is renewed now will run out."""
    return Now() + timedelta(seconds=settings.TASK_LEASE_SECONDS)


def locked(task_id: UUID, attempt: int, status: Status) -> Task:
    """The task, locked, if it is in that state. Raises Fenced."""
    found = Task.objects.select_for_update().filter(pk=task_id, attempt=attempt, status=status)
    task: Task | None = found.first()
    if task is None:
        raise Fenced
    return task


def owned(detail: TaskDetail) -> Task:
    """The step's task, locked, if the step is still ours. Raises Fenced."""
    task = locked(detail.task_id, detail.task.attempt, Status.RUNNING)
    if not own_row(detail).select_for_update().exists():
        raise Fenced
    return task


def own_row(detail: TaskDetail) -> Any:
    """The query for a step that we work at, empty when it is no longer ours."""
    return TaskDetail.objects.filter(pk=detail.pk, owner=detail.owner, status=Status.RUNNING)


def leave(detail: TaskDetail, to: Status, **values: Any) -> None:
    """Move a step that is still ours, and be its owner no longer. Raises Fenced."""
    if not own_row(detail).swap(to, **values, **NO_OWNER):
        raise Fenced


def next_step(task: Task, *, goes_on: bool = False) -> None:
    """Let the first step that is not done wait for its turn."""
    if step := following(task):
        outbox.put(task, step.step_type, goes_on=goes_on)


def take_next(task: Task, owner: UUID, worker: str) -> TaskDetail | None:
    """Become the owner of the first step that is not done."""
    step = following(task)
    return become_owner(step, owner, worker) if step else None


def following(task: Task) -> TaskDetail | None:
    """The first step that is not done. A task without one ends: it must not wait for ever."""
    pending = task.task_details.filter(status=Status.PENDING).order_by("step_order")
    step: TaskDetail | None = pending.first()
    if step is None:  # a hand in the database
        why = TaskError()
        move(task, Status.FAILED, error_code=why.code, error_message=why.message)
    return step


def become_owner(detail: TaskDetail, owner: UUID, worker: str) -> TaskDetail:
    """Let a pending step run, as its owner. Raises Fenced if it does not wait to be run."""
    pending = TaskDetail.objects.filter(pk=detail.pk, status=Status.PENDING)
    began = {"started_at": Coalesce(F("started_at"), Now()), **NO_ERROR}
    if not pending.swap(
        Status.RUNNING, owner=owner, lease_expires_at=lease(), worker=worker, **began
    ):
        raise Fenced
    detail.status, detail.owner, detail.worker = Status.RUNNING, owner, worker
    return detail


def move(task: Task, to: Status, **values: Any) -> None:
    """Move a locked task, let its subject follow, and tell everybody after commit."""
    moved = Task.objects.filter(pk=task.pk).swap(to, seq=F("seq") + 1, updated_at=Now(), **values)
    if not moved:
        raise WrongState(status=task.status)
    task.refresh_from_db()
    if task.document_id:
        task.steps.settle(task.document_id, task.status, task.error_code, task.error_message)
    if to in TERMINAL:
        outbox.send_after_commit()  # it made room
    announce(task)
    log.info("task_moved", task_id=str(task.pk), status=task.status, error_code=task.error_code)


def touch_task_of(detail: TaskDetail, *, progress: int) -> Task:
    """Lock the task of a step of ours, `progress` percent done. Raises Fenced."""
    task: Task = detail.task
    done = task.steps.progress(detail.step_type, progress)
    touch(task.pk, task.attempt, progress=done)
    return task


def touch(task_id: UUID, attempt: int, **values: Any) -> None:
    """Lock a running task, whose state is new now. Raises Fenced if it does not run."""
    running = Task.objects.filter(pk=task_id, attempt=attempt, status=Status.RUNNING)
    if not running.update(seq=F("seq") + 1, updated_at=Now(), **values):
        raise Fenced
