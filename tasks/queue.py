"""Whose turn it is. Postgres orders what waits; the broker gets little more than workers can take.

Turns go round between owners, and for each owner between short and long work. Within those comes
first what came first, and less work before more: a task of ten seconds goes as if it had come ten
seconds later. Bulk work never has all slots, so a short document does not wait for long ones.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, F, QuerySet, Sum
from django.db.models.functions import Now

from tasks.models import Lane, OutboxMessage, Status, Task, TaskDetail, Worker

LOCK_ID = 0x7475726E  # "turn"
SLOTS_UNKNOWN = 4  # taken for granted until a worker was seen
# So few messages wait in the broker that who comes new is served with the next free slot; each
# claim sends another, so that is enough to keep all slots busy.
SLOTS_PER_MESSAGE = 4
LOST_SECONDS = 10  # so long at most does a message that got lost keep others from being sent
SEEN_SECONDS = 30  # a worker that was silent for longer does not count
RATE_SECONDS = 120  # over which the queue's speed is measured

_SERVED = f"""
    WITH served AS (
        SELECT owner_id, lane, count(*) AS turns FROM (
            SELECT owner_id, lane FROM {OutboxMessage._meta.db_table} WHERE sent_at IS NOT NULL
            UNION ALL
            SELECT task.owner_id, task.lane FROM {TaskDetail._meta.db_table} detail
            JOIN {Task._meta.db_table} task ON task.id = detail.task_id
            WHERE detail.status = '{Status.RUNNING}'
        ) busy GROUP BY owner_id, lane
    )
"""  # noqa: S608 - names of our own, here and below
# Per owner and lane only as many rows are looked at as there is room for.
_NEXT = f"""
    {_SERVED}, flows AS (
        SELECT DISTINCT owner_id, lane FROM {OutboxMessage._meta.db_table}
        WHERE sent_at IS NULL AND due_at <= statement_timestamp()
    )
    SELECT first.task_id, flows.lane FROM flows
    LEFT JOIN served USING (owner_id, lane)
    CROSS JOIN LATERAL (
        SELECT task_id, turn_at, row_number() OVER (ORDER BY turn_at) AS turn
        FROM {OutboxMessage._meta.db_table} row
        WHERE row.owner_id = flows.owner_id AND row.lane = flows.lane
            AND sent_at IS NULL AND due_at <= statement_timestamp()
        ORDER BY turn_at LIMIT %(room)s
    ) first
    ORDER BY coalesce(served.turns, 0) + first.turn, first.turn_at
"""  # noqa: S608
# From 20 on two digits are enough, and a long queue is not rewritten at every step forward.
_RANK = f"""
    {_SERVED}, turns AS (
        SELECT task_id, turn_at, coalesce(served.turns, 0) + row_number() OVER (
            PARTITION BY owner_id, lane ORDER BY turn_at
        ) AS turn
        FROM {OutboxMessage._meta.db_table} LEFT JOIN served USING (owner_id, lane)
        WHERE due_at <= statement_timestamp()
            AND (sent_at IS NULL OR problem <> '' OR %(problem)s <> '')
    ), exact AS (
        SELECT task_id, row_number() OVER (ORDER BY turn, turn_at) AS position FROM turns
    ), rounded AS (
        SELECT task_id, round(position, least(0, 1 - floor(log(position))::int)) AS position
        FROM exact
    )
    UPDATE {OutboxMessage._meta.db_table} row
    SET position = rounded.position, problem = %(problem)s,
        seconds = ceil(rounded.position * %(pace)s::float)
    FROM rounded
    WHERE row.task_id = rounded.task_id
        AND (row.position, row.problem) IS DISTINCT FROM (rounded.position::int, %(problem)s)
    RETURNING row.task_id
"""  # noqa: S608


@transaction.atomic
def admit() -> list[OutboxMessage]:
    """Mark those whose turn it is as sent, as many as there is room for. Send them, or `refuse`."""
    if not _unsent().exists():
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_ID])
    rows = _unsent().filter(pk__in=_next_in_turn()).select_related("task")
    # Whoever holds one of them now is about to change it, and sends then.
    messages = list(rows.select_for_update(of=("self",), skip_locked=True))
    OutboxMessage.objects.filter(pk__in=[each.pk for each in messages]).update(sent_at=Now())
    return messages


def refuse(messages: Sequence[OutboxMessage]) -> None:
    """The broker did not take them: they wait on."""
    OutboxMessage.objects.filter(pk__in=[each.pk for each in messages]).update(sent_at=None)


def rank(problem: str = "") -> int:
    """Tell everybody who waits their position and an estimate; how many were told news.

    The estimate is by the pace of the last two minutes. Not one transaction: the rows of tasks
    must be locked before those of their messages.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RANK, {"problem": problem, "pace": None if problem else _pace()})
        told = [task_id for (task_id,) in cursor.fetchall()]
    Task.objects.filter(pk__in=told).update(seq=F("seq") + 1)
    return len(told)


def slots() -> int:
    """How many steps all workers run at a time."""
    seen = Worker.objects.filter(seen_at__gt=Now() - timedelta(seconds=SEEN_SECONDS))
    found: int | None = seen.aggregate(total=Sum("slots"))["total"]
    return found or SLOTS_UNKNOWN


def _unsent() -> "QuerySet[OutboxMessage]":
    return OutboxMessage.objects.filter(sent_at=None, due_at__lte=Now())


def _next_in_turn() -> list[UUID]:
    recently = Now() - timedelta(seconds=LOST_SECONDS)
    most, sent = slots(), _counted(OutboxMessage.objects.filter(sent_at__gt=recently), "lane")
    running = _counted(TaskDetail.objects.filter(status=Status.RUNNING), "task__lane")
    room = max(0, 1 + most // SLOTS_PER_MESSAGE - sum(sent.values()))
    bulk_room = max(1, most - 1) - sent.get(Lane.BULK, 0) - running.get(Lane.BULK, 0)
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, {"room": room})
        found = cursor.fetchall()
    bulk = [task_id for task_id, lane in found if lane == Lane.BULK][: max(0, bulk_room)]
    fitting = [task_id for task_id, lane in found if lane != Lane.BULK or task_id in bulk]
    return fitting[:room]


def _counted(rows: Any, lane: str) -> dict[str, int]:
    return dict(rows.order_by().values_list(lane).annotate(Count("pk")))


def _pace() -> float | None:
    """Seconds from one turn to the next; None when too little happened to tell."""
    since = Now() - timedelta(seconds=RATE_SECONDS)
    done = TaskDetail.objects.filter(status=Status.COMPLETED, completed_at__gt=since).count()
    return RATE_SECONDS / done if done >= 5 else None
