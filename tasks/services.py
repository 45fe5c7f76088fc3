"""Start, cancel and retry a task, and every move of its steps. Each is one short transaction.

Lock order everywhere: task, then its details, then the subject.
"""

import uuid
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from tasks import outbox
from tasks.exceptions import Fenced, StepError, TaskError, WrongState
from tasks.models import LIVE, TERMINAL, Lane, OutboxMessage, Status, Task, TaskDetail
from tasks.pipelines import StepResult
from tasks.signals import announce

log = structlog.get_logger(__name__)
NO_OWNER: dict[str, Any] = {"owner": None, "lease_expires_at": None}
NO_ERROR: dict[str, Any] = {"error_code": None, "error_message": None}


@transaction.atomic
def start(
    *,
    pipeline: str,
    owner_id: int,
    document_id: UUID,
    options: dict[str, Any],
    lane: Lane = Lane.QUICK,
    effort: int = 0,
) -> Task:
    """Write the task, its details and the message that starts it.

    `effort` is a guess, in seconds, of how long it will take; less goes before more.
    Raises IntegrityError when the document already has a live task.
    """
    task = Task.objects.create(
        pipeline=pipeline,
        owner_id=owner_id,
        document_id=document_id,
        options=options,
        lane=lane,
        effort=effort,
    )
    task.refresh_from_db(fields=["created_at"])
    TaskDetail.objects.bulk_create(
        TaskDetail(task=task, step_type=step.type, step_order=order)
        for order, step in enumerate(task.steps.steps, start=1)
    )
    task.steps.settle(document_id, task.status, None, None)
    outbox.put(task, "")
    announce(task.pk)
    return task


@transaction.atomic
def dispatch(task_id: UUID, attempt: int) -> None:
    """`process_document`: the task runs from now on, beginning with its first unfinished step."""
    task = _locked(task_id, attempt, Status.PENDING)
    _move(task, Status.RUNNING, started_at=Coalesce(F("started_at"), Now()))
    _next_step(task, goes_on=True)


@transaction.atomic
def cancel(task_id: UUID) -> Task:
    """End a live task now. Raises WrongState when it already ended."""
    task: Task = Task.objects.select_for_update().get(pk=task_id)
    if not task.is_live:
        raise WrongState(status=task.get_status_display().lower())
    outbox.drop(task.pk)
    task.task_details.filter(status__in=LIVE).swap(Status.CANCELLED, **NO_OWNER)
    _move(task, Status.CANCELLED)
    return task


@transaction.atomic
def retry(task_id: UUID) -> Task:
    """Go on from the first step that is not done.

    Raises WrongState for a task that is not FAILED or CANCELLED, or no longer its subject's latest.
    """
    task: Task = Task.objects.select_for_update().get(pk=task_id)
    if task.status not in (Status.FAILED, Status.CANCELLED):
        raise WrongState(status=task.get_status_display().lower())
    if _is_replaced(task):
        raise WrongState("A newer task has replaced this one; retry that.")
    if not task.task_details.swap(
        Status.PENDING, **NO_ERROR, progress=0, failures=0, losses=0, started_at=None, details={}
    ):
        raise WrongState("The task has no step left to run.")
    _start_again(task)
    outbox.put(task, "")
    return task


@transaction.atomic
def claim(task_id: UUID, step_type: str, attempt: int, *, worker: str) -> TaskDetail:
    """Become the owner of a step that is due. Raises Fenced when it is not to be had.

    Tells nobody: many a step ends before a person could have read that it began.
    """
    _touch(task_id, attempt)
    if not outbox.take(task_id, step_type):
        raise Fenced  # not its turn: it backs off, or this is an older message
    owner = uuid.uuid4()
    pending = TaskDetail.objects.filter(task_id=task_id, step_type=step_type, status=Status.PENDING)
    claimed = pending.swap(
        Status.RUNNING,
        owner=owner,
        lease_expires_at=_lease(),
        worker=worker,
        started_at=Coalesce(F("started_at"), Now()),
        **NO_ERROR,
    )
    if not claimed:
        raise Fenced
    claimed_detail: TaskDetail = TaskDetail.objects.select_related("task").get(owner=owner)
    return claimed_detail


def heartbeat(detail: TaskDetail) -> bool:
    """Renew the lease; False when the step is no longer ours."""
    return bool(_own_row(detail).update(lease_expires_at=_lease()))


@transaction.atomic
def report(detail: TaskDetail, percent: int, details: dict[str, Any]) -> None:
    """Store the step's progress, which never goes back. Raises Fenced when the step is not ours."""
    detail.details |= details
    detail.progress = max(detail.progress, percent)  # who takes over begins anew, or nearly
    _touch_task_of(detail, progress=detail.progress)
    if not _own_row(detail).update(details=detail.details, progress=detail.progress):
        raise Fenced
    announce(detail.task_id)


@transaction.atomic
def complete(detail: TaskDetail, result: StepResult) -> None:
    """Commit the step's output, the step and what comes next, together or not at all."""
    task = _touch_task_of(detail, progress=100)
    _leave(detail, Status.COMPLETED, progress=100, details=detail.details | result.details)
    result.save()
    if detail.step_type == task.steps.steps[-1].type:
        _move(task, Status.COMPLETED)
    else:
        _next_step(task, goes_on=True)
        announce(task.pk)


@transaction.atomic
def fail(detail: TaskDetail, error: StepError) -> None:
    """End the task with the step's error; steps that will not run are closed with it."""
    task = _owned(detail)
    why = {"error_code": error.code, "error_message": error.message}
    _own_row(detail).swap(Status.FAILED, **why, **NO_OWNER)
    task.task_details.filter(status=Status.PENDING).swap(Status.CANCELLED)
    _move(task, Status.FAILED, **why)


@transaction.atomic
def postpone(
    detail: TaskDetail, *, seconds: float, reason: str | None = None, **counts: Any
) -> None:
    """Give the step back, to be run again in `seconds`; `reason` is shown while it waits."""
    task = _touch_task_of(detail, progress=detail.progress)
    _leave(detail, Status.PENDING, error_message=reason, **counts)
    outbox.put(task, detail.step_type, delay=seconds)
    announce(task.pk)


def lost(detail: TaskDetail, error: StepError) -> None:
    """A worker was lost in this step: another takes over, a bounded number of times."""
    if detail.losses + 1 >= settings.TASK_MAX_LOSSES:
        fail(detail, error)
    else:
        postpone(detail, seconds=0, losses=F("losses") + 1)


@transaction.atomic
def take_over(detail: TaskDetail, error: StepError) -> None:
    """The same when the lease ran out. Raises Fenced if it was renewed meanwhile."""
    _owned(detail)
    if not _own_row(detail).filter(lease_expires_at__lt=Now()).exists():
        raise Fenced
    lost(detail, error)


@transaction.atomic
def wake(task_id: UUID) -> bool:
    """Write the message that a live task lacks; False if it lacks none."""
    task = Task.objects.select_for_update().filter(pk=task_id, status__in=LIVE).first()
    if task is None or OutboxMessage.objects.filter(task=task).exists():
        return False
    if task.task_details.filter(status=Status.RUNNING).exists():
        return False
    if task.status == Status.PENDING:
        outbox.put(task, "")
    else:
        _next_step(task)
    return True


def give_up_on_worker(task_id: UUID, attempt: int, step_type: str) -> None:
    """Celery says the worker of this step died: let its lease end now rather than in its time."""
    # No join: it would make the update look at the status once, and not again after waiting for
    # whoever gives the step back at this moment.
    tasks = Task.objects.filter(pk=task_id, attempt=attempt).values("pk")
    its = TaskDetail.objects.filter(task_id__in=tasks, step_type=step_type, status=Status.RUNNING)
    its.update(lease_expires_at=Now())


def _is_replaced(task: Task) -> bool:
    newer = Task.objects.filter(document=task.document, created_at__gt=task.created_at)
    return task.document_id is not None and newer.exists()


def _start_again(task: Task) -> None:
    first = task.task_details.filter(status=Status.PENDING).earliest("step_order")
    progress = task.steps.progress(first.step_type, 0)
    again = {"attempt": F("attempt") + 1, "started_at": None, "progress": progress, **NO_ERROR}
    try:
        with transaction.atomic():
            _move(task, Status.PENDING, **again)
    except IntegrityError as error:  # started anew at this very moment
        raise WrongState("A newer task has replaced this one; retry that.") from error


def _lease() -> Any:
    return Now() + timedelta(seconds=settings.TASK_LEASE_SECONDS)


def _locked(task_id: UUID, attempt: int, status: Status) -> Task:
    found = Task.objects.select_for_update().filter(pk=task_id, attempt=attempt, status=status)
    task: Task | None = found.first()
    if task is None:
        raise Fenced
    return task


def _owned(detail: TaskDetail) -> Task:
    """The step's task, locked, if the step is still ours."""
    task = _locked(detail.task_id, detail.task.attempt, Status.RUNNING)
    if not _own_row(detail).select_for_update().exists():
        raise Fenced
    return task


def _own_row(detail: TaskDetail) -> Any:
    return TaskDetail.objects.filter(pk=detail.pk, owner=detail.owner, status=Status.RUNNING)


def _leave(detail: TaskDetail, to: Status, **values: Any) -> None:
    """Move a step that is still ours, and be its owner no longer."""
    if not _own_row(detail).swap(to, **values, **NO_OWNER):
        raise Fenced


def _next_step(task: Task, *, goes_on: bool = False) -> None:
    pending = task.task_details.filter(status=Status.PENDING).order_by("step_order")
    following = pending.values_list("step_type", flat=True).first()
    if following is None:  # a hand in the database; it must not wait for ever
        why = TaskError()
        _move(task, Status.FAILED, error_code=why.code, error_message=why.message)
    else:
        outbox.put(task, following, goes_on=goes_on)


def _move(task: Task, to: Status, **values: Any) -> None:
    """Move a locked task, let its subject follow, and tell everybody after commit."""
    moved = Task.objects.filter(pk=task.pk).swap(to, seq=F("seq") + 1, updated_at=Now(), **values)
    if not moved:
        raise WrongState(status=task.status)
    task.refresh_from_db()
    if task.document_id:
        task.steps.settle(task.document_id, task.status, task.error_code, task.error_message)
    if to in TERMINAL:
        outbox.send_after_commit()  # it made room
    announce(task.pk)
    log.info("task_moved", task_id=str(task.pk), status=task.status, error_code=task.error_code)


def _touch_task_of(detail: TaskDetail, *, progress: int) -> Task:
    """Lock the task of a step of ours, `progress` percent done. Raises Fenced."""
    task: Task = detail.task
    done = task.steps.progress(detail.step_type, progress)
    _touch(task.pk, task.attempt, progress=done)
    return task


def _touch(task_id: UUID, attempt: int, **values: Any) -> None:
    """Lock a running task, whose state is new now. Raises Fenced if it does not run."""
    running = Task.objects.filter(pk=task_id, attempt=attempt, status=Status.RUNNING)
    if not running.update(seq=F("seq") + 1, updated_at=Now(), **values):
        raise Fenced
