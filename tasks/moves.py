"""The building blocks of services: locks, and state transitions of a task and its steps.

Call each in a transaction; it keeps the changed row locked until that ends.
"""

import json
import uuid
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.conf import settings
from django.db.models import F
from django.db.models.functions import Now

from tasks import history, outbox, pipelines, rows
from tasks.exceptions import Fenced, TaskError, WrongState
from tasks.models import TERMINAL, Status, Task, TaskDetail, sources
from tasks.signals import announce

log = structlog.get_logger(__name__)
NO_OWNER: dict[str, Any] = {"owner": None, "lease_expires_at": None}
NO_ERROR: dict[str, Any] = {"error_code": None, "error_message": None}
# Sets every field of a new task and its steps that has no default in the table.
_BEGIN = f"""
    WITH task AS (
        INSERT INTO {Task._meta.db_table} (
            id, pipeline, document_id, owner_id, options, lane, effort,
            status, progress, attempt, seq
        ) VALUES (
            %(id)s, %(pipeline)s, %(document_id)s, %(owner_id)s, %(options)s::jsonb, %(lane)s,
            %(effort)s, '{Status.PENDING}', 0, 1, 1
        ) RETURNING {rows.columns(Task)}
    ), steps AS (
        INSERT INTO {TaskDetail._meta.db_table} (
            task_id, step_type, step_order, status, progress, details, worker, failures, losses
        ) SELECT id, step_type, place, '{Status.PENDING}', 0, '{{}}', '', 0, 0
        FROM task, unnest(%(steps)s::text[]) WITH ORDINALITY step (step_type, place)
    ) SELECT * FROM task
"""  # noqa: S608 - names of our own, here and below
_LOCKED = f"""
    SELECT {rows.columns(Task)} FROM {Task._meta.db_table}
    WHERE id = %(task)s AND attempt = %(attempt)s AND status = %(status)s FOR UPDATE
"""  # noqa: S608
# Only where TRANSITIONS allows it. A retried task counts as not started.
_MOVE = f"""
    UPDATE {Task._meta.db_table}
    SET status = %(status)s::text, seq = seq + 1, updated_at = statement_timestamp(),
        completed_at = CASE WHEN %(ends)s THEN statement_timestamp() END,
        started_at = CASE %(status)s::text
            WHEN '{Status.PENDING}' THEN NULL
            WHEN '{Status.RUNNING}' THEN coalesce(started_at, statement_timestamp())
            ELSE started_at
        END{{values}}
    WHERE id = %(task)s AND status = ANY(%(sources)s)
    RETURNING {rows.columns(Task)}
"""  # noqa: S608
# Lock order: the task before its step.
_HOLD = f"""
    WITH task AS (
        UPDATE {Task._meta.db_table}
        SET seq = seq + 1, updated_at = statement_timestamp(), progress = %(progress)s
        WHERE id = %(task)s AND attempt = %(attempt)s AND status = '{Status.RUNNING}'
        RETURNING id
    )
    SELECT step.id FROM {TaskDetail._meta.db_table} step JOIN task ON step.task_id = task.id
    WHERE step.id = %(step)s AND step.owner = %(owner)s AND step.status = '{Status.RUNNING}'
    FOR UPDATE OF step
"""  # noqa: S608
_COMPLETE = f"""
    UPDATE {TaskDetail._meta.db_table}
    SET status = '{Status.COMPLETED}', completed_at = statement_timestamp(), progress = 100,
        details = %(details)s::jsonb, owner = NULL, lease_expires_at = NULL
    WHERE id = %(step)s
"""  # noqa: S608
_TAKE = f"""
    UPDATE {TaskDetail._meta.db_table}
    SET status = '{Status.RUNNING}', owner = %(owner)s, worker = %(worker)s,
        message_id = %(message_id)s::uuid,
        lease_expires_at = statement_timestamp() + %(lease)s * interval '1 second',
        started_at = coalesce(started_at, statement_timestamp()),
        error_code = NULL, error_message = NULL
    WHERE id = (
        SELECT id FROM {TaskDetail._meta.db_table}
        WHERE task_id = %(task)s AND status = '{Status.PENDING}'
            AND %(step_type)s::text IN ('', step_type)
        ORDER BY step_order LIMIT 1
    ) AND status = '{Status.PENDING}' AND step_type = ANY(%(known)s::text[])
    RETURNING {rows.columns(TaskDetail)}
"""  # noqa: S608
_COMPLETE_AND_TAKE = f"WITH done AS ({_COMPLETE}) {_TAKE}"


class Claim(NamedTuple):
    """Who claims a step."""

    owner: UUID | None
    worker: str  # its name, for staff
    message_id: UUID | None  # Celery's; None when no message led here


def lease() -> Any:
    """When a lease that begins or is renewed now expires: a database expression."""
    return Now() + timedelta(seconds=settings.TASK_LEASE_SECONDS)


def begin(pipeline: str, *, options: dict[str, Any], **values: Any) -> Task:
    """Insert a task and its steps; `values` holds the other parameters of `_BEGIN`."""
    steps = [step.type for step in pipelines.get(pipeline).steps]
    what = {"id": uuid.uuid4(), "options": json.dumps(options), "steps": steps}
    task = rows.first(Task, _BEGIN, {"pipeline": pipeline, **values, **what})
    assert task is not None  # noqa: S101 - it was inserted
    return task


def locked(task_id: UUID, attempt: int, status: Status) -> Task:
    """Lock the task. Raises Fenced unless it has that attempt and status."""
    values = {"task": task_id, "attempt": attempt, "status": status}
    task = rows.first(Task, _LOCKED, values)
    if task is None:
        raise Fenced
    return task


def owned(detail: TaskDetail) -> Task:
    """Lock the step's task and the step. Raises Fenced if the step is no longer ours."""
    task = locked(detail.task_id, detail.task.attempt, Status.RUNNING)
    if not own_row(detail).select_for_update().exists():
        raise Fenced
    return task


def own_row(detail: TaskDetail) -> Any:
    """A query for a step that we run, empty when it is no longer ours."""
    return TaskDetail.objects.filter(pk=detail.pk, owner=detail.owner, status=Status.RUNNING)


def hold(detail: TaskDetail) -> Task:
    """Lock the task and the step that we are about to complete. Raises Fenced if it isn't ours."""
    task: Task = detail.task
    values: dict[str, Any] = {
        "task": task.pk,
        "attempt": task.attempt,
        "progress": task.steps.progress(detail.step_type, 100),
        "step": detail.pk,
        "owner": detail.owner,
    }
    if not rows.change(_HOLD, values):
        raise Fenced
    return task


def complete_step(detail: TaskDetail) -> None:
    """Mark a step that we hold as completed, after its output was written."""
    rows.change(_COMPLETE, _done(detail))


def go_on(detail: TaskDetail) -> TaskDetail | None:
    """Complete a step that we hold and claim the next one.

    None, here and below: there is no step left, or it waits for a newer worker.
    """
    claim = Claim(detail.owner, detail.worker, detail.message_id)
    taking = _taking(detail.task, claim)
    return _taken_or_left(detail.task, _COMPLETE_AND_TAKE, _done(detail) | taking)


def _done(detail: TaskDetail) -> dict[str, Any]:
    return {"step": detail.pk, "details": json.dumps(detail.details)}


def take(task: Task, claim: Claim, step_type: str) -> TaskDetail | None:
    """Claim that step, or the first pending one if "". None if it is no longer pending."""
    return _taken(task, _TAKE, _taking(task, claim, step_type))


def take_next(task: Task, claim: Claim) -> TaskDetail | None:
    """Claim the first pending step."""
    return _taken_or_left(task, _TAKE, _taking(task, claim))


def _taking(task: Task, claim: Claim, step_type: str = "") -> dict[str, Any]:
    what = {"task": task.pk, "step_type": step_type, "lease": settings.TASK_LEASE_SECONDS}
    known = {"known": [step.type for step in task.steps.steps]}  # newer versions may have more
    return what | known | claim._asdict()


def _taken(task: Task, statement: str, values: dict[str, Any]) -> TaskDetail | None:
    if step := rows.first(TaskDetail, statement, values):
        step.task = task
    return step


def _taken_or_left(task: Task, statement: str, values: dict[str, Any]) -> TaskDetail | None:
    step = _taken(task, statement, values)
    if step is None:
        next_step(task)
    return step


def next_step(task: Task, *, goes_on: bool = False) -> None:
    """Queue the first pending step."""
    pending = task.task_details.filter(status=Status.PENDING).order_by("step_order")
    if step := pending.first():
        outbox.put(task, step.step_type, goes_on=goes_on)
    else:
        _end_without_step(task)


def _end_without_step(task: Task) -> None:
    """Somebody edited the database: the task must not wait for ever."""
    why = TaskError()
    move(task, Status.FAILED, error_code=why.code, error_message=why.message)


def move(task: Task, to: Status, *, about: dict[str, Any] | None = None, **values: Any) -> Task:
    """Move a locked task to a status, and its document with it; announce it after commit.

    `about` adds fields of TaskEvent to the history entry. Returns the task as it is now. Raises
    WrongState if TRANSITIONS does not allow it.
    """
    moved = _moved(task, to, values)
    why = {"error_code": moved.error_code, "reason": moved.error_message}
    history.record(moved, history.OF_STATUS[to], **why, **(about or {}))
    if moved.document_id:
        moved.steps.settle(moved.document_id, to, moved.error_code, moved.error_message)
    if to in TERMINAL:
        outbox.send_after_commit()  # a slot is free
    announce(moved)
    log.info("task_moved", task_id=str(moved.pk), status=to.value, error_code=moved.error_code)
    return moved


def _moved(task: Task, to: Status, values: dict[str, Any]) -> Task:
    statement = _MOVE.format(values="".join(f", {name} = %({name})s" for name in values))
    where = {"task": task.pk, "sources": list(map(str, sources(to)))}
    what = {"status": to.value, "ends": to in TERMINAL}
    moved = rows.first(Task, statement, {**values, **where, **what})
    if moved is None:
        raise WrongState(status=task.status.lower())
    return moved


def touch_task_of(detail: TaskDetail, *, progress: int) -> Task:
    """Lock the task of a step of ours that is `progress` percent done. Raises Fenced."""
    task: Task = detail.task
    done = task.steps.progress(detail.step_type, progress)
    touch(task.pk, task.attempt, progress=done)
    return task


def touch(task_id: UUID, attempt: int, **values: Any) -> None:
    """Lock a running task and raise its `seq`. Raises Fenced if it does not run."""
    running = Task.objects.filter(pk=task_id, attempt=attempt, status=Status.RUNNING)
    if not running.update(seq=F("seq") + 1, updated_at=Now(), **values):
        raise Fenced
