"""Start, cancel and retry tasks; claim, complete and fail their steps, each in one transaction.

Lock order everywhere: task, then its details, then the subject.
"""

import uuid
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext_noop

from tasks import history, moves, outbox
from tasks.exceptions import Fenced, StepError, WrongState
from tasks.models import LIVE, Lane, OutboxMessage, Status, Task, TaskDetail
from tasks.moves import NO_ERROR, NO_OWNER
from tasks.pipelines import StepResult
from tasks.signals import announce

REPLACED = gettext_noop("A newer task has replaced this one; retry that.")
NOTHING_LEFT = gettext_noop("The task has no step left to run.")


@transaction.atomic
def start(
    *,
    pipeline: str,
    owner_id: int,
    document_id: UUID | None,
    options: dict[str, Any],
    lane: Lane = Lane.QUICK,
    effort: int = 0,
    by_id: int | None = None,
) -> Task:
    """Create the task, its details and the message that starts it.

    `effort` is an estimate, in seconds, of how long it will take; shorter tasks go first. Some
    pipelines have no document. `by_id` is the user who asked for it, here and below.
    Raises IntegrityError when the document already has a live task.
    """
    task = moves.begin(
        pipeline,
        owner_id=owner_id,
        document_id=document_id,
        options=options,
        lane=lane,
        effort=effort,
    )
    if document_id:
        task.steps.settle(document_id, task.status, None, None)
    history.record(task, history.Event.CREATED, by_id=by_id)
    outbox.put(task, "")
    announce(task)
    return task


@transaction.atomic
def dispatch(
    task_id: UUID, attempt: int, *, worker: str, message_id: UUID | None = None
) -> TaskDetail | None:
    """Set the task to RUNNING and claim its first unfinished step.

    `message_id` is that of the Celery message that led here, here and below.
    Raises Fenced when it was dispatched before, or cancelled meanwhile.
    """
    task = moves.locked(task_id, attempt, Status.PENDING)
    task = moves.move(task, Status.RUNNING, about={"worker": worker})
    outbox.drop(task.pk)
    outbox.send_after_commit()  # the broker has room for one more
    return moves.take_next(task, moves.Claim(uuid.uuid4(), worker, message_id))


@transaction.atomic
def cancel(task_id: UUID, *, by_id: int | None = None) -> Task:
    """End a live task now. Raises WrongState when it already ended."""
    task: Task = Task.objects.select_for_update().get(pk=task_id)
    if not task.is_live:
        raise WrongState(status=task.status.lower())
    outbox.drop(task.pk)
    task.task_details.filter(status__in=LIVE).swap(Status.CANCELLED, **NO_OWNER)
    return moves.move(task, Status.CANCELLED, about={"by_id": by_id})


@transaction.atomic
def retry(task_id: UUID, *, by_id: int | None = None) -> Task:
    """Continue from the first step that is not done.

    Raises WrongState unless the task is FAILED or CANCELLED and the latest of its document.
    """
    task: Task = Task.objects.select_for_update().get(pk=task_id)
    if task.status not in (Status.FAILED, Status.CANCELLED):
        raise WrongState(status=task.status.lower())
    if _is_replaced(task):
        raise WrongState(REPLACED)
    if not task.task_details.swap(
        Status.PENDING, **NO_ERROR, progress=0, failures=0, losses=0, started_at=None, details={}
    ):
        raise WrongState(NOTHING_LEFT)
    task = _start_again(task, by_id)
    outbox.put(task, "")
    return task


@transaction.atomic
def claim(
    task_id: UUID,
    step_type: str,
    attempt: int,
    *,
    worker: str,
    message_id: UUID | None = None,
) -> TaskDetail:
    """Claim a step that is due. Raises Fenced if it isn't, or somebody else has it."""
    moves.touch(task_id, attempt)
    if not outbox.take(task_id, step_type):
        raise Fenced  # the step backs off, or this message is outdated
    task = Task.objects.get(pk=task_id)
    detail = moves.take(task, moves.Claim(uuid.uuid4(), worker, message_id), step_type)
    if detail is None:
        raise Fenced
    announce(task)
    return detail


def heartbeat(detail: TaskDetail) -> bool:
    """Renew the lease; False when the step is no longer ours."""
    return bool(moves.own_row(detail).update(lease_expires_at=moves.lease()))


@transaction.atomic
def report(detail: TaskDetail, percent: int, details: dict[str, Any]) -> None:
    """Store the step's progress, which never decreases. Raises Fenced if the step is not ours."""
    detail.details |= details
    detail.progress = max(detail.progress, percent)  # a worker that takes over starts near 0
    task = moves.touch_task_of(detail, progress=detail.progress)
    if not moves.own_row(detail).update(details=detail.details, progress=detail.progress):
        raise Fenced
    announce(task)


@transaction.atomic
def complete(detail: TaskDetail, result: StepResult, *, go_on: bool = False) -> TaskDetail | None:
    """Commit the step's output, its completion and what comes next, all or nothing.

    With `go_on` the caller claims the next step too and gets it; otherwise that is queued.
    """
    task = moves.hold(detail)
    result.save()
    detail.details |= result.details
    if detail.step_type == task.steps.steps[-1].type:
        moves.complete_step(detail)
        moves.move(task, Status.COMPLETED, about={"worker": detail.worker})
        return None
    announce(task)
    if go_on:
        return moves.go_on(detail)
    moves.complete_step(detail)
    moves.next_step(task, goes_on=True)
    return None


@transaction.atomic
def fail(detail: TaskDetail, error: StepError) -> None:
    """Fail the step and its task, and cancel the steps that will not run."""
    task = moves.owned(detail)
    why = {"error_code": error.code, "error_message": error.message}
    moves.own_row(detail).swap(Status.FAILED, **why, **NO_OWNER)
    task.task_details.filter(status=Status.PENDING).swap(Status.CANCELLED)
    moves.move(task, Status.FAILED, about=_place(detail), **why)


@transaction.atomic
def postpone(
    detail: TaskDetail,
    *,
    seconds: float,
    reason: str | None = None,
    error_code: str | None = None,
    waits_for: str = "",
    restart: str = "",
    **counts: Any,
) -> None:
    """Give the step back, to be run again in `seconds`, or when what it `waits_for` is there;
    `reason` is shown while it waits.

    `restart` is a code that says why its run ended, if the worker was the cause and not the step.
    """
    task = moves.touch_task_of(detail, progress=detail.progress)
    back = {"error_message": reason, "error_code": error_code, **counts, **NO_OWNER}
    if not moves.own_row(detail).swap(Status.PENDING, **back):
        raise Fenced
    if restart:
        history.record(task, history.Event.RESTARTED, error_code=restart, **_place(detail))
    elif reason:
        why = {"error_code": error_code, "reason": reason}
        history.record_wait(task, **why, **_place(detail))
    outbox.put(task, detail.step_type, delay=seconds, waits_for=waits_for)
    announce(task)


def _place(detail: TaskDetail) -> dict[str, str]:
    return {"step_type": detail.step_type, "worker": detail.worker}


def lost(detail: TaskDetail, error: StepError) -> None:
    """A worker was lost in this step: requeue it, or fail it after TASK_MAX_LOSSES."""
    if detail.losses + 1 >= settings.TASK_MAX_LOSSES:
        fail(detail, error)
    else:
        postpone(detail, seconds=0, restart=error.code, losses=F("losses") + 1)


@transaction.atomic
def take_over(detail: TaskDetail, error: StepError) -> None:
    """The same for a step whose lease expired. Raises Fenced if it was renewed meanwhile."""
    moves.owned(detail)
    if not moves.own_row(detail).filter(lease_expires_at__lt=Now()).exists():
        raise Fenced
    lost(detail, error)


@transaction.atomic
def wake(task_id: UUID) -> bool:
    """Queue a live task that has neither a message nor a running step; whether it was one."""
    task = Task.objects.select_for_update().filter(pk=task_id, status__in=LIVE).first()
    if task is None or OutboxMessage.objects.filter(task=task).exists():
        return False
    if task.task_details.filter(status=Status.RUNNING).exists():
        return False
    if task.status == Status.PENDING:
        outbox.put(task, "")
    else:
        moves.next_step(task)
    return True


def give_up_on_worker(message_id: UUID) -> None:
    """Celery says the worker of this message died: let the step's lease expire now.

    A step that another message has claimed meanwhile is left alone.
    """
    # No join: with one, the update would not recheck the status after waiting for a transaction
    # that gives the step back at this moment.
    its = TaskDetail.objects.filter(message_id=message_id, status=Status.RUNNING)
    its.update(lease_expires_at=Now())


def _is_replaced(task: Task) -> bool:
    newer = Task.objects.filter(document=task.document, created_at__gt=task.created_at)
    return task.document_id is not None and newer.exists()


def _start_again(task: Task, by_id: int | None) -> Task:
    first = task.task_details.filter(status=Status.PENDING).earliest("step_order")
    progress = task.steps.progress(first.step_type, 0)
    again = {"attempt": task.attempt + 1, "progress": progress, **NO_ERROR}
    try:
        with transaction.atomic():
            return moves.move(task, Status.PENDING, about={"by_id": by_id}, **again)
    except IntegrityError as error:  # a new task was started at this moment
        raise WrongState(REPLACED) from error
