"""The outbox: what has to be sent is a row first, so that a broker that is away loses nothing.

A row lives from the moment a step is due until a worker takes it up. The fast path publishes right
after commit; the sweeper publishes what that missed.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from celery import current_app, current_task
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from tasks.models import OutboxMessage, Task

log = structlog.get_logger(__name__)
BATCH = 200
# One thread, so that a frozen broker holds up neither a person's request nor the others.
_sender = ThreadPoolExecutor(1, thread_name_prefix="outbox")


def put(task: Task, step_type: str, *, delay: float = 0) -> None:
    """Record that `step_type` ("" = dispatch) is due in `delay` seconds; send it after commit."""
    due = Now() + timedelta(seconds=delay)
    OutboxMessage.objects.update_or_create(
        task=task,
        defaults={
            "step_type": step_type, "attempt": task.attempt, "due_at": due, "sent_at": None,
        },
    )  # fmt: skip
    if delay <= 0:
        transaction.on_commit(partial(_publish_soon, task.pk), robust=True)


def take(task_id: UUID) -> None:
    """The message has arrived: the row has done its duty."""
    OutboxMessage.objects.filter(task_id=task_id).delete()


def _publish_soon(task_id: UUID) -> None:
    if bool(current_task):  # a proxy; in a worker nobody waits for us
        publish(task_id)
    else:
        _sender.submit(_publish_in_thread, task_id)


def _publish_in_thread(task_id: UUID) -> None:
    try:
        publish(task_id)
    finally:
        connection.close()


def publish(task_id: UUID) -> bool:
    """Send the row's message if it is due; False when the broker is away (to be tried again)."""
    row = (
        OutboxMessage.objects.select_related("task")
        .filter(task_id=task_id, due_at__lte=Now(), attempt=F("task__attempt"))
        .first()
    )
    if row is None:
        return True
    try:
        _send(row)
    except (OSError, OperationalError) as error:
        log.warning("broker_unavailable", task_id=str(task_id), error=type(error).__name__)
        return False
    OutboxMessage.objects.filter(pk=row.pk, step_type=row.step_type).update(sent_at=Now())
    return True


def _send(row: OutboxMessage) -> None:
    pipeline = row.task.steps
    name = pipeline.step(row.step_type).celery_name if row.step_type else pipeline.celery_name
    current_app.send_task(name, args=[str(row.task_id), row.attempt], retry=False)


def publish_due() -> int:
    """Send all that is due and unsent, the oldest first; how many were sent."""
    due = OutboxMessage.objects.filter(sent_at=None, due_at__lte=Now()).order_by("due_at")
    sent = 0
    for task_id in due.values_list("task_id", flat=True)[:BATCH]:
        if not publish(task_id):
            break
        sent += 1
    return sent


def republish_lost(*, after: float) -> int:
    """Send again what was sent over `after` seconds ago and is neither taken up nor in the queue.

    A broker that lost its memory has a shorter queue than there are rows waiting; a duplicate is
    harmless, because a step is claimed in Postgres.
    """
    waiting = OutboxMessage.objects.filter(
        Q(sent_at__lt=Now() - timedelta(seconds=after)), due_at__lte=Now()
    )
    missing = waiting.count() - _queue_length()
    if missing <= 0:
        return 0
    oldest = list(waiting.order_by("sent_at").values_list("task_id", flat=True)[:missing])
    return OutboxMessage.objects.filter(task_id__in=oldest[:BATCH]).update(sent_at=None)


def _queue_length() -> int:
    with current_app.connection_for_write() as broker:
        name = current_app.conf.task_default_queue
        channel: Any = broker.default_channel
        return int(channel.queue_declare(name).message_count)
