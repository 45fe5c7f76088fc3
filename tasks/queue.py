"""Fair queueing: Postgres orders what waits; the broker gets little more than workers can take.

Owners take turns, and each owner's short and long work (the lanes) take turns: next is whoever has
the fewest steps running or sent, and of these whoever had a turn longest ago. Within a lane the
order is arrival time plus estimated effort: a task of ten seconds is treated as if it had come ten
seconds later. Bulk work never gets all slots, so a short document does not wait for long ones.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from tasks import rows
from tasks.models import Lane, OutboxMessage, Status, Task, TaskDetail, Turn, Worker

LOCK_ID = 0x7475726E  # "turn"
_LOCK = "SELECT pg_advisory_xact_lock(%(id)s)"
SLOTS_UNKNOWN = 1  # assumed until a worker was seen: with more, long work might get all there are
# One message per so many slots, plus one, waits in the broker. So few that a newcomer gets the next
# free slot; as each claim sends another message, it still keeps all slots busy.
SLOTS_PER_MESSAGE = 4
LOST_SECONDS = 600  # a message that was lost unnoticed by the sweeper takes up room for so long
TOLD_AT_ONCE = 1000  # positions; their rows are held for some 50 ms
SEEN_SECONDS = 30  # workers that were last seen longer ago do not count
RATE_SECONDS = 120  # over which the queue's speed is measured
_ADMISSION = {
    "seen": SEEN_SECONDS,
    "lost": LOST_SECONDS,
    "unknown": SLOTS_UNKNOWN,
    "share": SLOTS_PER_MESSAGE,
}

_SLOTS = f"""coalesce((
    SELECT sum(slots) FROM {Worker._meta.db_table}
    WHERE seen_at > statement_timestamp() - %(seen)s * interval '1 second'
        AND seen_at = (SELECT max(seen_at) FROM {Worker._meta.db_table})
), %(unknown)s)::int"""  # noqa: S608 - names of our own, here and below
_SENT = f"""{OutboxMessage._meta.db_table}
    WHERE sent_at > statement_timestamp() - %(lost)s * interval '1 second'"""
_SOMEBODY = f"""
    SELECT EXISTS (
        SELECT FROM {OutboxMessage._meta.db_table}
        WHERE sent_at IS NULL AND due_at <= statement_timestamp()
    )
"""  # noqa: S608
_ROOM = f"{_SOMEBODY} AND (SELECT count(*) FROM {_SENT}) < 1 + {_SLOTS} / %(share)s"  # noqa: S608
_SERVED = f"""
    WITH RECURSIVE served AS (
        SELECT owner_id, lane, count(*) AS turns FROM (
            SELECT owner_id, lane FROM {OutboxMessage._meta.db_table} WHERE sent_at IS NOT NULL
            UNION ALL
            SELECT task.owner_id, task.lane FROM {TaskDetail._meta.db_table} detail
            JOIN {Task._meta.db_table} task ON task.id = detail.task_id
            WHERE detail.status = '{Status.RUNNING}'
        ) busy GROUP BY owner_id, lane
    )
"""  # noqa: S608
# Looks at only as many rows per owner and lane as there is room for, and finds these one after the
# other in an index. ARRAY tells the planner that there are few. Locked rows are skipped: who holds
# one is about to change it, and sends afterwards.
_ADMIT = f"""
    {_SERVED}, counted AS (
        SELECT {_SLOTS} AS slots, count(*)::int AS sent,
        count(*) FILTER (WHERE lane = '{Lane.BULK}')::int + (
            SELECT count(*) FROM {TaskDetail._meta.db_table} detail
            JOIN {Task._meta.db_table} task ON task.id = detail.task_id
            WHERE detail.status = '{Status.RUNNING}' AND task.lane = '{Lane.BULK}'
        )::int AS bulk
        FROM {_SENT}
    ), room AS (
        SELECT greatest(0, 1 + slots / %(share)s - sent) AS any,
            greatest(0, greatest(1, slots - 1) - bulk) AS bulk
        FROM counted
    ), flows AS (
        (
            SELECT owner_id, lane FROM {OutboxMessage._meta.db_table}
            WHERE sent_at IS NULL ORDER BY owner_id, lane LIMIT 1
        ) UNION ALL
        SELECT next.* FROM flows CROSS JOIN LATERAL (
            SELECT owner_id, lane FROM {OutboxMessage._meta.db_table}
            WHERE sent_at IS NULL AND (owner_id, lane) > (flows.owner_id, flows.lane)
            ORDER BY owner_id, lane LIMIT 1
        ) next
    ), turns AS (
        SELECT first.task_id, flows.lane, first.turn_at, coalesce(last.id, 0) AS last,
            coalesce(served.turns, 0) + first.turn AS turn
        FROM flows LEFT JOIN served USING (owner_id, lane)
        LEFT JOIN {Turn._meta.db_table} last USING (owner_id, lane) CROSS JOIN LATERAL (
            SELECT task_id, turn_at, row_number() OVER (ORDER BY turn_at) AS turn
            FROM {OutboxMessage._meta.db_table} row
            WHERE row.owner_id = flows.owner_id AND row.lane = flows.lane
                AND sent_at IS NULL AND due_at <= statement_timestamp()
            ORDER BY turn_at LIMIT (SELECT room.any FROM room)
        ) first
    ), fitting AS (
        SELECT task_id FROM (
            SELECT *, row_number() OVER (PARTITION BY lane ORDER BY turn, last, turn_at) AS of_lane
            FROM turns
        ) each, room WHERE lane <> '{Lane.BULK}' OR of_lane <= room.bulk
        ORDER BY turn, last, turn_at LIMIT (SELECT room.any FROM room)
    ), free AS (
        SELECT task_id FROM {OutboxMessage._meta.db_table}
        WHERE task_id = ANY(ARRAY(SELECT task_id FROM fitting))
            AND sent_at IS NULL AND due_at <= statement_timestamp()
        FOR UPDATE SKIP LOCKED
    ), sent AS (
        UPDATE {OutboxMessage._meta.db_table} row SET sent_at = statement_timestamp()
        FROM {Task._meta.db_table} task
        WHERE task.id = row.task_id AND row.task_id = ANY(ARRAY(SELECT task_id FROM free))
        RETURNING row.*, task.pipeline
    ), noted AS (
        INSERT INTO {Turn._meta.db_table} (owner_id, lane) SELECT DISTINCT owner_id, lane FROM sent
        ON CONFLICT (owner_id, lane) DO UPDATE SET id = excluded.id
    )
    SELECT task_id, step_type, attempt, pipeline FROM sent
"""  # noqa: S608
# From 20 on, positions have two significant digits, so that a long queue is seldom rewritten.
_RANK = f"""
    {_SERVED}, turns AS (
        SELECT task_id, turn_at, told, problem, coalesce(last.id, 0) AS last,
            coalesce(served.turns, 0) + row_number() OVER (
                PARTITION BY owner_id, lane ORDER BY turn_at
            ) AS turn
        FROM (
            SELECT task_id, owner_id, lane, turn_at, position AS told, problem
            FROM {OutboxMessage._meta.db_table} WHERE due_at <= statement_timestamp()
                AND (sent_at IS NULL OR problem <> '' OR %(problem)s <> '')
        ) message LEFT JOIN served USING (owner_id, lane)
        LEFT JOIN {Turn._meta.db_table} last USING (owner_id, lane)
    ), exact AS (
        SELECT *, row_number() OVER (ORDER BY turn, last, turn_at) AS position FROM turns
    ), rounded AS (
        SELECT task_id, told, problem,
            round(position, least(0, 1 - floor(log(position))::int))::int AS position
        FROM exact
    )
    SELECT task_id, position, ceil(position * %(pace)s::float)::int FROM rounded
    WHERE (told, problem) IS DISTINCT FROM (position, %(problem)s) ORDER BY position
"""  # noqa: S608
_TELL = f"""
    UPDATE {OutboxMessage._meta.db_table} row
    SET position = news.position, seconds = news.seconds, problem = %(problem)s
    FROM unnest(%(tasks)s::uuid[], %(positions)s::int[], %(seconds)s::int[])
        news (task_id, position, seconds)
    WHERE row.task_id = news.task_id AND due_at <= statement_timestamp()
    RETURNING row.task_id
"""  # noqa: S608


# After all that the owner has waiting, and after one turn of each other.
_WAIT = f"""
    SELECT coalesce(greatest(max(first), max(last) FILTER (WHERE owner_id = %(owner)s)), 0) FROM (
        SELECT owner_id, min(seconds) AS first, max(seconds) AS last
        FROM {OutboxMessage._meta.db_table} GROUP BY owner_id, lane
    ) flow
"""  # noqa: S608


class Admitted(NamedTuple):
    """A message that may be sent now."""

    task_id: UUID
    step_type: str
    attempt: int
    pipeline: str


def somebody_waits() -> bool:
    """Whether a message is due and not sent yet."""
    return bool(rows.row(_SOMEBODY, {})[0])


def may_send() -> bool:
    """Whether a message is due and the broker has room: a tenth of the cost of `admit`.

    Whoever makes room checks again after committing that, so no room is missed.
    """
    return bool(rows.row(_ROOM, _ADMISSION)[0])


@transaction.atomic
def admit() -> list[Admitted]:
    """Mark the next messages as sent, as many as there is room for. Send them, or `refuse` them."""
    rows.row(_LOCK, {"id": LOCK_ID})
    return [Admitted(*row) for row in rows.every(_ADMIT, _ADMISSION)]


def refuse(messages: Sequence[Admitted]) -> None:
    """The broker did not take these messages: they keep waiting."""
    refused = [each.task_id for each in messages]
    OutboxMessage.objects.filter(pk__in=refused).update(sent_at=None)


def rank(problem: str = "") -> int:
    """Update the position and the estimated wait of all waiting tasks; how many have changed.

    The estimate is based on the last two minutes.
    """
    with connection.cursor() as cursor:
        cursor.execute(_RANK, {"problem": problem, "pace": None if problem else _pace()})
        news = cursor.fetchall()
    starts = range(0, len(news), TOLD_AT_ONCE)
    return sum(_tell(news[at : at + TOLD_AT_ONCE], problem) for at in starts)


def _tell(news: Sequence[Any], problem: str) -> int:
    """Not one transaction, because the rows of tasks would have to be locked before those of their
    messages."""
    tasks, positions, seconds = map(list, zip(*news, strict=True))
    values: dict[str, Any] = {"tasks": tasks, "positions": positions, "seconds": seconds}
    with connection.cursor() as cursor:
        cursor.execute(_TELL, values | {"problem": problem})
        told = [task_id for (task_id,) in cursor.fetchall()]
    return Task.objects.filter(pk__in=told).update(seq=F("seq") + 1)


def wait_of(owner_id: int) -> int:
    """The estimated seconds until a new task of that owner would have its turn."""
    return int(rows.row(_WAIT, {"owner": owner_id})[0])


def _pace() -> float | None:
    """Seconds per completed step; None if there were too few to tell."""
    since = Now() - timedelta(seconds=RATE_SECONDS)
    done = TaskDetail.objects.filter(status=Status.COMPLETED, completed_at__gt=since).count()
    return RATE_SECONDS / done if done >= 5 else None
