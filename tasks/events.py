"""Snapshots of tasks, and the only place that sends them to the channel layer."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, TypedDict
from uuid import UUID

import structlog
from channels.layers import get_channel_layer
from django.db.models import Prefetch, QuerySet
from django.utils import translation

from tasks import background, pipelines, rows
from tasks.models import OutboxMessage, Status, Task, TaskDetail
from tasks.sentences import translated

log = structlog.get_logger(__name__)
PUSH_TIMEOUT_SECONDS = 2
# What a push reads of a task, its steps and its message. Raw SQL, as every change that somebody
# watches runs it: the ORM takes four times as long.
_TASK = (
    "id", "pipeline", "owner_id", "document_id", "status", "progress", "error_code",
    "error_message", "attempt", "seq",
)  # fmt: skip
_STEP = (
    "id", "step_type", "step_order", "status", "progress", "error_message", "details",
    "started_at", "completed_at",
)  # fmt: skip
_TURN = ("position", "seconds", "problem")
_COLUMNS = [f"{table}.{name}" for table, names in
            (("task", _TASK), ("step", _STEP), ("message", _TURN)) for name in names]  # fmt: skip
_STATE = f"""
    SELECT {", ".join(_COLUMNS)}, message.task_id IS NOT NULL
    FROM {Task._meta.db_table} task
    JOIN {TaskDetail._meta.db_table} step ON step.task_id = task.id
    LEFT JOIN {OutboxMessage._meta.db_table} message ON message.task_id = task.id
    WHERE task.id = %(task)s ORDER BY step.step_order
"""  # noqa: S608 - names of our own


class DetailSnapshot(TypedDict):
    id: int
    step_type: str
    step_name: str
    step_order: int
    status: str
    progress: int
    error_message: str | None
    details: dict[str, Any]
    started_at: str | None
    completed_at: str | None


class TaskSnapshot(TypedDict):
    type: Literal["task"]
    seq: int
    task_id: str
    document_id: str | None
    status: str
    progress: int
    error_code: str | None
    error_message: str | None
    attempt: int
    task_details: list[DetailSnapshot]


class Push(TypedDict):
    """What travels on the channel layer: JSON primitives only."""

    type: Literal["task.event"]
    pipeline: str
    owner_id: int
    snapshot: TaskSnapshot


def task_group(task_id: UUID | str) -> str:
    return f"task.{task_id}"


def user_group(user_id: int) -> str:
    return f"user.{user_id}"


def groups(task_id: UUID | str, owner_id: int) -> list[str]:
    """The groups that get a task's pushes."""
    return [task_group(task_id), user_group(owner_id)]


def parse_groups(every: Iterable[str]) -> tuple[set[str], set[int]]:
    """The ids of the tasks and of the users that groups belong to."""
    named = [group.split(".", 1) for group in every]
    tasks = {name for kind, name in named if kind == "task"}
    return tasks, {int(name) for kind, name in named if kind == "user"}


def with_details(tasks: "QuerySet[Task]") -> "QuerySet[Task]":
    return tasks.select_related("outbox").prefetch_related(
        Prefetch("task_details", queryset=TaskDetail.objects.order_by("step_order"))
    )


def snapshot(task: Task) -> TaskSnapshot:
    """The whole state of a task as the socket sends it, in the active language."""
    return localised(push_of(task))


def _snapshot(
    task: Task, steps: Iterable[TaskDetail], message: OutboxMessage | None
) -> TaskSnapshot:
    return {
        "type": "task",
        "seq": task.seq,
        "task_id": str(task.pk),
        "document_id": str(task.document_id) if task.document_id else None,
        "status": task.status,
        "progress": task.progress,
        "error_code": task.error_code,
        "error_message": task.error_message,
        "attempt": task.attempt,
        "task_details": _details(task, steps, message),
    }


def _details(
    task: Task, steps: Iterable[TaskDetail], message: OutboxMessage | None
) -> list[DetailSnapshot]:
    found = [_detail(task.pipeline, step) for step in steps]
    waiting = next((each for each in found if each["status"] == Status.PENDING), None)
    if message and waiting:
        waiting["details"] = waiting["details"] | _turn(message)
        if message.problem:
            with translation.override(None):
                waiting["error_message"] = str(OutboxMessage.Problem(message.problem).label)
    return found


def _turn(message: OutboxMessage) -> dict[str, Any]:
    """Its position in the queue, if it was given one."""
    if message.position is None:
        return {}
    told = {"position": message.position, "seconds": message.seconds}
    return {"queue": told | {"problem": message.problem or None}}


def _detail(pipeline: str, detail: TaskDetail) -> DetailSnapshot:
    return {
        "id": detail.pk,
        "step_type": detail.step_type,
        "step_name": pipelines.label(pipeline, detail.step_type),
        "step_order": detail.step_order,
        "status": detail.status,
        "progress": detail.progress,
        "error_message": detail.error_message,
        "details": detail.details,
        "started_at": _time(detail.started_at),
        "completed_at": _time(detail.completed_at),
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None


def localised(push: Push) -> TaskSnapshot:
    """The push's snapshot in the active language."""
    steps = [_localised(push["pipeline"], each) for each in push["snapshot"]["task_details"]]
    reason = translated(push["snapshot"]["error_message"])
    return {**push["snapshot"], "error_message": reason, "task_details": steps}


def _localised(pipeline: str, detail: DetailSnapshot) -> DetailSnapshot:
    name, reason = pipelines.label(pipeline, detail["step_type"]), detail["error_message"]
    return {**detail, "step_name": name, "error_message": translated(reason)}


def push_task(task_id: UUID, owner_id: int, **_signal: Any) -> None:
    """Send the task's snapshot to those who watch it. A failure is logged, never raised: sockets
    reread the row anyway."""
    try:
        heard = background.run(_heard(groups(task_id, owner_id)))
        if heard and (push := _push(task_id)):
            background.run(_send(heard, push))
    except Exception as error:  # noqa: BLE001 - whatever the layer raises, the work goes on
        log.warning("push_failed", task_id=str(task_id), error=type(error).__name__)


def _push(task_id: UUID) -> Push | None:
    found = rows.every(_STATE, {"task": task_id})
    if not found:
        return None
    at, end = len(_TASK), len(_TASK) + len(_STEP)
    task = Task(**dict(zip(_TASK, found[0], strict=False)))
    steps = [TaskDetail(**dict(zip(_STEP, row[at:end], strict=True))) for row in found]
    for step in steps:
        step.details = json.loads(step.details)
    *turn, waits = found[0][end:]
    message = OutboxMessage(**dict(zip(_TURN, turn, strict=True))) if waits else None
    return _packed(task, _snapshot(task, steps, message))


def push_of(task: Task) -> Push:
    """The task's snapshot, not yet translated, as a message for the channel layer."""
    message: OutboxMessage | None = getattr(task, "outbox", None)
    return _packed(task, _snapshot(task, task.task_details.all(), message))


def _packed(task: Task, found: TaskSnapshot) -> Push:
    return {
        "type": "task.event",
        "pipeline": task.pipeline,
        "owner_id": task.owner_id,
        "snapshot": found,
    }


async def _heard(every: Sequence[str]) -> Sequence[str]:
    """The groups that have members. Whoever joins later reads the row afterwards."""
    layer: Any = get_channel_layer()
    if not hasattr(layer, "joined"):  # another layer than ours
        return every
    async with asyncio.timeout(PUSH_TIMEOUT_SECONDS):
        return [group for group, many in zip(every, await layer.joined(every), strict=True) if many]


async def _send(heard: Iterable[str], push: Push) -> None:
    layer = get_channel_layer()
    async with asyncio.timeout(PUSH_TIMEOUT_SECONDS):
        for group in heard:
            await layer.group_send(group, push)
