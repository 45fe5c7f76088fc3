"""The outbox: every message is a row first, so that nothing is lost while the broker is down.

A row lives from the moment a step is due until a worker claims it; `queue` decides the order. The
fast path sends right after commit, the sweeper what that missed.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from celery import current_app, current_task
from django.db import DatabaseError, connection, transaction
from django.db.models.functions import Now
from kombu.exceptions import InconsistencyError, OperationalError
from redis import RedisError

from tasks import pipelines, queue, rows
from tasks.models import OutboxMessage, Task
from tasks.queue import Admitted

log = structlog.get_logger(__name__)
# Kombu does not wrap every error, such as those of a broker that is full or has lost its data.
BROKER_AWAY = (OSError, OperationalError, InconsistencyError, RedisError)
# Resets the position, estimate and problem of an earlier wait.
_PUT = f"""
    INSERT INTO {OutboxMessage._meta.db_table} (
        task_id, step_type, attempt, owner_id, lane, turn_at, waits_for, problem, due_at, sent_at
    ) VALUES (
        %(task)s, %(step_type)s, %(attempt)s, %(owner)s, %(lane)s, %(turn_at)s, %(waits_for)s, '',
        statement_timestamp() + %(delay)s * interval '1 second',
        CASE WHEN %(at_once)s THEN statement_timestamp() END
    ) ON CONFLICT (task_id) DO UPDATE SET
        (step_type, attempt, owner_id, lane, turn_at, waits_for, problem, due_at, sent_at,
            position, seconds)
        = (excluded.step_type, excluded.attempt, excluded.owner_id, excluded.lane,
            excluded.turn_at, excluded.waits_for, '', excluded.due_at, excluded.sent_at,
            NULL, NULL)
"""  # noqa: S608 - names of our own, here and below
_DROP = f"DELETE FROM {OutboxMessage._meta.db_table} WHERE task_id = %(task)s"  # noqa: S608
# The names, one after the other, through the index.
_AWAITED = f"""
    WITH RECURSIVE names AS (
        (SELECT min(waits_for) AS name FROM {OutboxMessage._meta.db_table} WHERE waits_for <> '')
        UNION ALL
        SELECT (
            SELECT min(waits_for) FROM {OutboxMessage._meta.db_table}
            WHERE waits_for > name AND waits_for <> ''
        ) FROM names WHERE name IS NOT NULL
    )
    SELECT name FROM names WHERE name IS NOT NULL
"""  # noqa: S608
# Skips what somebody else is about to change, so that it never waits for a lock.
_WAKE = f"""
    UPDATE {OutboxMessage._meta.db_table} SET due_at = statement_timestamp(), waits_for = ''
    WHERE task_id = ANY(ARRAY(
        SELECT task_id FROM {OutboxMessage._meta.db_table}
        WHERE waits_for = %(waits_for)s::text AND waits_for <> '' AND sent_at IS NULL
        ORDER BY turn_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ))
"""  # noqa: S608
PARK_SECONDS = 15  # between tries of a step that only newer workers know
# One thread, so that a frozen broker blocks neither requests nor other threads.
_sender = ThreadPoolExecutor(1, thread_name_prefix="outbox")


def put(
    task: Task, step_type: str, *, delay: float = 0, waits_for: str = "", goes_on: bool = False
) -> None:
    """Record that `step_type` ("" = dispatch) is due in `delay` seconds; send it after commit.

    It is due earlier if `wake` is called for what it `waits_for`. A task that `goes_on` frees a
    worker for its own next step: its message is sent at once unless others are waiting.
    """
    at_once = goes_on and not queue.somebody_waits()
    message = {"step_type": step_type, "at_once": at_once, "delay": delay, "waits_for": waits_for}
    rows.change(_PUT, message | _of(task))
    if at_once:
        found = Admitted(task.pk, step_type, task.attempt, task.pipeline)
        transaction.on_commit(lambda: _publish_soon(lambda: _deliver([found])), robust=True)
    else:
        send_after_commit()


def _of(task: Task) -> dict[str, Any]:
    """The task's own values in its message."""
    return {
        "task": task.pk,
        "attempt": task.attempt,
        "owner": task.owner_id,
        "lane": task.lane,
        "turn_at": task.created_at + timedelta(seconds=task.effort),
    }


def take(task_id: UUID, step_type: str) -> bool:
    """Delete the row of a message that has arrived, and send the next one.

    False if this step is not due.
    """
    due = OutboxMessage.objects.filter(task_id=task_id, step_type=step_type, due_at__lte=Now())
    taken, _ = due.delete()
    send_after_commit()
    return bool(taken)


def drop(task_id: UUID) -> None:
    """Delete the task's message."""
    rows.change(_DROP, {"task": task_id})


def awaited() -> list[str]:
    """All that is waited for."""
    return [name for (name,) in rows.every(_AWAITED, {})]


def wake(waits_for: str, most: int) -> int:
    """Make due what waits for this, `most` at most, the earliest first; how many."""
    return rows.change_many(_WAKE, {"waits_for": waits_for, "most": most})


def park(task_id: UUID, attempt: int) -> None:
    """A worker of an older version got a step that it does not know: try again later."""
    log.warning("step_unknown", task_id=str(task_id), attempt=attempt)
    due = Now() + timedelta(seconds=PARK_SECONDS)
    mine = OutboxMessage.objects.filter(task_id=task_id, attempt=attempt)
    mine.update(sent_at=None, due_at=due)


def send_after_commit() -> None:
    """Send what is due, once the surrounding transaction is committed."""
    transaction.on_commit(lambda: _publish_soon(publish_due), robust=True)


def _publish_soon(publish: Callable[[], object]) -> None:
    if bool(current_task):  # a proxy object; in a worker, blocking is fine
        _publish_or_leave_it(publish)
    else:
        _sender.submit(_publish_in_thread, publish)


def _publish_or_leave_it(publish: Callable[[], object]) -> None:
    try:
        publish()
    except DatabaseError as error:  # the sweeper does it
        log.warning("database_unavailable", error=type(error).__name__)


def _publish_in_thread(publish: Callable[[], object]) -> None:
    try:
        _publish_or_leave_it(publish)
    finally:
        connection.close()


def publish_due() -> int:
    """Send the messages whose turn it is; how many.

    They are marked as sent before they are, so that two senders never send the same one; if a
    process dies in between, `republish_lost` sends them.
    """
    return _deliver(queue.admit()) if queue.may_send() else 0


def _deliver(messages: Sequence[Admitted]) -> int:
    for sent, message in enumerate(messages):
        try:
            _send(message)
        except (LookupError, ValueError):  # a pipeline or step of a newer version
            park(message.task_id, message.attempt)
        except BROKER_AWAY as error:
            log.warning("broker_unavailable", error=type(error).__name__)
            queue.refuse(messages[sent:])
            return sent
    return len(messages)


def _send(message: Admitted) -> None:
    pipeline = pipelines.get(message.pipeline)
    step_type = message.step_type
    name = pipeline.step(step_type).celery_name if step_type else pipeline.celery_name
    current_app.send_task(name, args=[str(message.task_id), message.attempt], retry=False)


def republish_lost(*, after: float) -> int:
    """Requeue messages that were sent over `after` seconds ago and are neither claimed nor queued.

    If the broker lost its data, its queue is shorter than the number of rows that wait. Duplicates
    are harmless, because steps are claimed in Postgres. Returns how many were requeued.
    """
    waiting = OutboxMessage.objects.filter(sent_at__lt=Now() - timedelta(seconds=after))
    missing = waiting.count() - _queue_length()
    if missing <= 0:
        return 0
    oldest = list(waiting.order_by("sent_at").values_list("task_id", flat=True)[:missing])
    return OutboxMessage.objects.filter(task_id__in=oldest).update(sent_at=None)


def _queue_length() -> int:
    with current_app.connection_for_write() as broker:
        name = current_app.conf.task_default_queue
        channel: Any = broker.default_channel
        return int(channel.queue_declare(name).message_count)
