"""Start, cancel and retry a task, and what becomes of its steps. Each is one short transaction.

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
    """Write the task, its details and the message that starts it.

    `effort` is a guess, in seconds, of how long it will take; less goes before more. Not every
    pipeline is about a document. `by_id` is the user who wants it, here and below.
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
    """The task runs from now on. Become the owner of its first unfinished step.

    `message_id` is that of the Celery message that asks for it, here and below.
    Raises Fenced when it was dispatched before, or cancelled meanwhile.
    """
    task = moves.locked(task_id, attempt, Status.PENDING)
    task = moves.move(task, Status.RUNNING, about={"worker": worker})
    outbox.drop(task.pk)
    outbox.send_after_commit()  # it made room
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
    """Go on from the first step that is not done.

    Raises WrongState for a task that is not FAILED or CANCELLED, or no longer its subject's latest.
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
    """Become the owner of a step that is due. Raises Fenced when it is not to be had."""
    moves.touch(task_id, attempt)
    if not outbox.take(task_id, step_type):
        raise Fenced  # it backs off, or this is an older message
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
    """Store the step's progress, which never goes back. Raises Fenced when the step is not ours."""
    detail.details |= details
    detail.progress = max(detail.progress, percent)  # who takes over begins anew, or nearly
    task = moves.touch_task_of(detail, progress=detail.progress)
    if not moves.own_row(detail).update(details=detail.details, progress=detail.progress):
        raise Fenced
    announce(task)


@transaction.atomic
def complete(detail: TaskDetail, result: StepResult, *, go_on: bool = False) -> TaskDetail | None:
    """Commit the step's output, the step and what comes next, together or not at all.

    Who may `go_on` becomes the owner of the next step too; else that waits for its turn.
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
    """End the task with the step's error; steps that will not run are closed with it."""
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
    restart: str = "",
    **counts: Any,
) -> None:
    """Give the step back, to be run again in `seconds`; `reason` is shown while it waits.

    `restart` is the code of what ended its run, if that was its worker's and not the step's doing.
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
    outbox.put(task, detail.step_type, delay=seconds)
    announce(task)


def _place(detail: TaskDetail) -> dict[str, str]:
    return {"step_type": detail.step_type, "worker": detail.worker}


def lost(detail: TaskDetail, error: StepError) -> None:
    """A worker was lost in this step: another takes over, a bounded number of times."""
    if detail.losses + 1 >= settings.TASK_MAX_LOSSES:
        fail(detail, error)
    else:
        postpone(detail, seconds=0, restart=error.code, losses=F("losses") + 1)


@transaction.atomic
def take_over(detail: TaskDetail, error: StepError) -> None:
    """The same when the lease ran out. Raises Fenced if it was renewed meanwhile."""
    moves.owned(detail)
    if not moves.own_row(detail).filter(lease_expires_at__lt=Now()).exists():
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
        moves.next_step(task)
    return True


def give_up_on_worker(message_id: UUID) -> None:
    """Celery says who had this message died: let the lease end now rather than in its time.

    A step that another message's turn has come to meanwhile is left alone.
    """
    # No join: it would make the update look at the status once, and not again after waiting for
    # whoever gives the step back at this moment.
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
    except IntegrityError as error:  # started anew at this very moment
        raise WrongState(REPLACED) from error
