"""Tasks, their steps and history, and what waits for a worker."""

from tasks.models.event import (
    TaskEvent,
)
from tasks.models.queue import (
    OutboxMessage,
    Turn,
    Worker,
)
from tasks.models.task import (
    LIVE,
    TERMINAL,
    TRANSITIONS,
    Lane,
    Status,
    Task,
    TaskDetail,
    TaskQuerySet,
    TrackedQuerySet,
    sources,
)

__all__ = [
    "LIVE",
    "TERMINAL",
    "TRANSITIONS",
    "Lane",
    "OutboxMessage",
    "Status",
    "Task",
    "TaskDetail",
    "TaskEvent",
    "TaskQuerySet",
    "TrackedQuerySet",
    "Turn",
    "Worker",
    "sources",
]
