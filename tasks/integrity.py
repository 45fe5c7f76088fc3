"""The invariants of tasks.

A query sees one snapshot, and every transition is one transaction, so violations are real.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Greatest, Now

from tasks import pipelines, services, sweeper
from tasks.exceptions import StepError
from tasks.invariants import Ids, Invariant, each, rows
from tasks.models import LIVE, OutboxMessage, Status, Task, TaskDetail
from tasks.moves import NO_OWNER
from tasks.signals import announce

LATE_SWEEPS = 5  # sweeper rounds after which an expired lease is a violation


def _each_task(mend: Callable[[Task], object]) -> Callable[[Ids], int]:
    """A `fix` that mends one locked task after the other, each in a transaction of its own."""
    return each(lambda task_id: _mend_locked(task_id, mend))


@transaction.atomic
def _mend_locked(task_id: UUID, mend: Callable[[Task], object]) -> object:
    task = Task.objects.select_for_update().filter(pk=task_id).first()
    return task is not None and mend(task)


# --- Repairs. The task is locked; each checks again, as it may have changed since it was found --
def _take_over(_task_ids: Ids) -> int:
    return sweeper.take_over_lost_steps()


def _drop_message(task: Task) -> bool:
    """Delete a message that the task must not have, and queue the task as it should be."""
    expected = _expected_step(task)
    useful = Q(attempt=task.attempt, step_type=expected) if expected is not None else Q(pk=None)
    deleted, _ = OutboxMessage.objects.filter(task=task).exclude(useful).delete()
    if deleted and expected is not None:
        services.wake(task.pk)
    return bool(deleted)


def _expected_step(task: Task) -> str | None:
    """The step that the task's message must name; None if there must be no message."""
    steps = task.task_details
    if not task.is_live or steps.filter(status=Status.RUNNING).exists():
        return None
    if task.status == Status.PENDING:
        return ""
    following = steps.filter(status=Status.PENDING).order_by("step_order").first()
    return following.step_type if following else None


def _give_back(task: Task) -> bool:
    """Requeue the steps that must not run now; their workers are fenced off."""
    running = task.task_details.filter(status=Status.RUNNING)
    rightful = running.order_by("step_order").first() if task.status == Status.RUNNING else None
    taken = running.exclude(pk=rightful.pk if rightful else None)
    if not task.is_live or not taken.swap(Status.PENDING, **NO_OWNER):
        return False
    services.wake(task.pk)
    return True


def _close_steps(task: Task) -> bool:
    if task.is_live or task.status == Status.COMPLETED:
        return False
    left = task.task_details.filter(status__in=LIVE)
    return bool(left.swap(Status.CANCELLED, **NO_OWNER))


def _complete_numbers(task: Task) -> bool:
    task.task_details.filter(status=Status.COMPLETED).update(progress=100)
    percent = 100 if task.status == Status.COMPLETED else F("progress")
    return _change(task, seq=Greatest(F("seq"), 0) + 1, progress=percent)


def _give_reason(task: Task) -> bool:
    """Copy the failed step's reason to the task, or the default one."""
    if task.status != Status.FAILED:
        return False
    step = task.task_details.filter(status=Status.FAILED).first()
    code = task.error_code or (step and step.error_code) or StepError.code
    message = task.error_message or (step and step.error_message) or StepError().message
    if not _change(task, seq=F("seq") + 1, error_code=code, error_message=message):
        return False
    if task.document_id:
        task.steps.settle(task.document_id, task.status, code, message)
    return True


def _change(task: Task, **values: Any) -> bool:
    changed = Task.objects.filter(pk=task.pk).update(updated_at=Now(), **values)
    announce(task)
    return bool(changed)


# --- What finds ---------------------------------------------------------------------------------
_TASK, _DETAIL, _MESSAGE = (model._meta.db_table for model in (Task, TaskDetail, OutboxMessage))
_ENDED = "('COMPLETED', 'FAILED', 'CANCELLED')"
_LIVE = "('PENDING', 'RUNNING')"


def _has(step: str) -> str:
    """SQL: the task `t` has a detail `d` with this condition."""
    return f"EXISTS (SELECT FROM {_DETAIL} d WHERE d.task_id = t.id AND {step})"


_STRANDED = f"""
    SELECT t.id FROM {_TASK} t
    WHERE t.status IN {_LIVE} AND {_has("d.status = 'PENDING'")}
    AND NOT {_has("d.status = 'RUNNING'")}
    AND NOT EXISTS (SELECT FROM {_MESSAGE} m WHERE m.task_id = t.id)
"""  # noqa: S608 - names of our own, here and below
_EXPIRED = f"""
    SELECT DISTINCT task_id FROM {_DETAIL} WHERE status = 'RUNNING'
    AND lease_expires_at < statement_timestamp() - %(late)s * interval '1 second'
"""  # noqa: S608
_USELESS = f"""
    SELECT t.id FROM {_MESSAGE} m JOIN {_TASK} t ON t.id = m.task_id
    WHERE m.attempt <> t.attempt OR t.status IN {_ENDED} OR {_has("d.status = 'RUNNING'")}
    OR m.step_type IS DISTINCT FROM CASE t.status WHEN 'PENDING' THEN '' ELSE (
        SELECT d.step_type FROM {_DETAIL} d WHERE d.task_id = t.id AND d.status = 'PENDING'
        ORDER BY d.step_order LIMIT 1
    ) END
"""  # noqa: S608
_TWO_STEPS = f"""
    SELECT d.task_id FROM {_DETAIL} d JOIN {_TASK} t ON t.id = d.task_id
    WHERE d.status = 'RUNNING' AND t.status IN {_LIVE}
    GROUP BY d.task_id, t.status HAVING count(*) > 1 OR t.status = 'PENDING'
"""  # noqa: S608
_OPEN_STEPS = f"""
    SELECT DISTINCT t.id FROM {_DETAIL} d JOIN {_TASK} t ON t.id = d.task_id
    WHERE d.status IN {_LIVE} AND t.status IN ('FAILED', 'CANCELLED')
"""  # noqa: S608
_COMPLETED = f"""
    SELECT t.id FROM {_TASK} t
    WHERE t.status = 'COMPLETED' AND {_has("d.status <> 'COMPLETED'")}
"""  # noqa: S608
_STUCK = f"""
    SELECT t.id FROM {_TASK} t WHERE t.status IN {_LIVE}
    AND ({_has("d.status IN ('FAILED', 'CANCELLED')")} OR NOT {_has(f"d.status IN {_LIVE}")})
"""  # noqa: S608
_NOBODY_FAILED = f"""
    SELECT t.id FROM {_TASK} t WHERE t.status = 'FAILED' AND NOT {_has("d.status = 'FAILED'")}
"""  # noqa: S608
_MISPLACED = f"""
    SELECT DISTINCT earlier.task_id FROM {_DETAIL} earlier JOIN {_DETAIL} later
    ON later.task_id = earlier.task_id AND later.step_order > earlier.step_order
    WHERE earlier.status <> 'COMPLETED' AND later.status = 'COMPLETED'
"""  # noqa: S608
_NUMBERS = f"""
    SELECT id FROM {_TASK} WHERE seq < 1 OR (status = 'COMPLETED' AND progress <> 100)
    UNION SELECT task_id FROM {_DETAIL} WHERE status = 'COMPLETED' AND progress <> 100
"""  # noqa: S608
_NO_REASON = f"""
    SELECT id FROM {_TASK} WHERE status = 'FAILED'
    AND (coalesce(error_code, '') = '' OR coalesce(error_message, '') = '')
"""  # noqa: S608
_LACKING_STEPS = f"""
    SELECT t.id FROM {_TASK} t
    LEFT JOIN (SELECT task_id, count(*) FROM {_DETAIL} GROUP BY task_id) d ON d.task_id = t.id
    WHERE t.pipeline = %(pipeline)s AND coalesce(d.count, 0) <> %(steps)s
"""  # noqa: S608


def _expired() -> list[Any]:
    return rows(_EXPIRED, late=LATE_SWEEPS * settings.SWEEP_SECONDS)()


def _lacking_steps() -> list[Any]:
    return [
        task_id
        for pipeline in pipelines.every()
        for task_id in rows(_LACKING_STEPS, pipeline=pipeline.name, steps=len(pipeline.steps))()
    ]


_AGAIN = "Cancel it if it has not ended, and process the document again."
INVARIANTS = (
    Invariant(
        name="I1 message", find=rows(_USELESS), fix=_each_task(_drop_message),
        sentence="A queued message does not fit its task, so no worker will ever accept it.",
    ),
    Invariant(
        name="I1 stranded", find=rows(_STRANDED), fix=each(services.wake),
        sentence="A task has not ended, but no step runs and no message is queued to start one.",
    ),
    Invariant(
        name="I1 lease", find=_expired, fix=_take_over,
        sentence="A step's worker is silent and nobody takes it over. Is the sweeper running?",
    ),
    Invariant(
        name="I3 running steps", find=rows(_TWO_STEPS), fix=_each_task(_give_back),
        sentence="A step runs although the task has not begun, or beside another step.",
    ),
    Invariant(
        name="I3 open steps", find=rows(_OPEN_STEPS), fix=_each_task(_close_steps),
        sentence="A task has ended, but one of its steps still waits or runs.",
    ),
    Invariant(
        name="I3 completed", find=rows(_COMPLETED),
        sentence="A task is completed, but one of its steps is not. Process the document again.",
    ),
    Invariant(
        name="I3 stuck", find=rows(_STUCK),
        sentence=f"A task has not ended, but a step has failed or none is left to run. {_AGAIN}",
    ),
    Invariant(
        name="I3 failed", find=rows(_NOBODY_FAILED),
        sentence="A task has failed, but none of its steps has. Process the document again.",
    ),
    Invariant(
        name="I3 order", find=rows(_MISPLACED),
        sentence=f"A step is completed before an earlier one is. {_AGAIN}",
    ),
    Invariant(
        name="I3 steps", find=_lacking_steps,
        sentence=f"A task does not have the steps of its pipeline. {_AGAIN}",
    ),
    Invariant(
        name="I4 numbers", find=rows(_NUMBERS), fix=_each_task(_complete_numbers),
        sentence="A task has no seq, or is completed at less than 100 percent.",
    ),
    Invariant(
        name="I8 reason", find=rows(_NO_REASON), fix=_each_task(_give_reason),
        sentence="A task has failed without a code or a sentence that says why.",
    ),
)  # fmt: skip
