"""The figures on the first page of the admin."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, QuerySet
from django.db.models.functions import Now, TruncHour
from django.utils import timezone

from tasks.models import Status, Task, TaskDetail, Worker
from tasks.queue import SEEN_SECONDS

HOURS = 24


@dataclass(frozen=True, kw_only=True)
class Hour:
    starts_at: datetime
    completed: int
    failed: int

    @property
    def failure_rate(self) -> float:
        """The share of tasks that failed rather than completed, 0 to 1."""
        return self.failed / ended if (ended := self.completed + self.failed) else 0.0


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Tasks that failed with one code and have no newer run."""

    error_code: str
    sentence: str  # of one of them
    count: int
    last_at: datetime


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Steps that wait for the same, or for a time."""

    sentence: str | None
    count: int


@dataclass(frozen=True, kw_only=True)
class Overview:
    counts: dict[Status, int]
    hours: Sequence[Hour]  # the last day, the present hour last
    causes: Sequence[Cause]  # the most frequent first
    pauses: Sequence[Pause]  # the most frequent first
    oldest_waiting: Task | None
    workers: Sequence[Worker]  # those that answer


def look() -> Overview:
    # A pending task changed last when it was started or retried.
    waiting = Task.objects.filter(status=Status.PENDING).select_related("document")
    return Overview(
        counts=_counts(),
        hours=_hours(),
        causes=_causes(),
        pauses=pauses(),
        oldest_waiting=waiting.order_by("updated_at").first(),
        workers=list(Worker.objects.filter(seen_at__gte=_ago(seconds=SEEN_SECONDS))),
    )


def failed_by(error_code: str) -> "QuerySet[Task]":
    """The tasks of a cause, the earliest failure first."""
    return _failed().filter(error_code=error_code).order_by("completed_at")


def last_runs(tasks: "QuerySet[Task]") -> "QuerySet[Task]":
    """Without those that were replaced by a newer task of the same document."""
    newer = Task.objects.filter(
        document=OuterRef("document"), created_at__gt=OuterRef("created_at")
    )
    return tasks.filter(~Exists(newer))


def pauses() -> list[Pause]:
    """Why steps wait that a worker could run, but not now."""
    paused = TaskDetail.objects.filter(
        step_type=F("task__outbox__step_type"), task__outbox__due_at__gt=Now()
    )
    rows: Any = paused.order_by().values(sentence=F("error_message")).annotate(count=Count("pk"))
    return [Pause(**row) for row in rows.order_by("-count", "sentence")]


def _failed() -> "QuerySet[Task]":
    return last_runs(Task.objects.filter(status=Status.FAILED))


def _counts() -> dict[Status, int]:
    rows = Task.objects.order_by().values_list("status").annotate(Count("pk"))
    found = dict(rows)
    return {status: found.get(status, 0) for status in Status}


def _hours() -> list[Hour]:
    first = timezone.localtime().replace(minute=0, second=0, microsecond=0)
    first -= timedelta(hours=HOURS - 1)
    ended = Task.objects.filter(
        status__in=(Status.COMPLETED, Status.FAILED), completed_at__gte=first
    )
    rows = (
        ended.order_by()
        .annotate(hour=TruncHour("completed_at"))
        .values_list("hour", "status")
        .annotate(Count("pk"))
    )
    found = {(hour, status): count for hour, status, count in rows}
    starts = [first + timedelta(hours=number) for number in range(HOURS)]
    return [
        Hour(
            starts_at=start,
            completed=found.get((start, Status.COMPLETED), 0),
            failed=found.get((start, Status.FAILED), 0),
        )
        for start in starts
    ]


def _causes() -> list[Cause]:
    rows: Any = (
        _failed()
        .order_by()
        .values("error_code")
        .annotate(
            sentence=Max("error_message"), count=Count("pk"), last_at=Max("completed_at"),
        )
        .order_by("-count", "error_code")
    )  # fmt: skip
    return [Cause(**row) for row in rows]


def _ago(*, seconds: float) -> datetime:
    return timezone.now() - timedelta(seconds=seconds)
