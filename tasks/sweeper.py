"""Repairs what crashes leave behind. One process at a time does it."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import structlog
from django.conf import settings
from django.db import Error, connection, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from psycopg.errors import LockNotAvailable

from tasks import outbox, queue, rows, services, workers
from tasks.exceptions import Fenced, WorkerLost
from tasks.models import OutboxMessage, Status, Task, TaskDetail

log = structlog.get_logger(__name__)
LOCK_ID = 0x6E6F7465626F6F6B  # "notebook"
_PATIENCE = "SET LOCAL lock_timeout = '200ms'"  # moves take a few; only to store a book takes long


def sweep() -> None:
    """One round: take over lost steps, wake tasks that have no message. Needs no broker."""
    take_over_lost_steps()
    wake_stranded_tasks()


def feed_the_queue() -> None:
    """One round: send what is due, resend what the broker lost, record why if nothing moves.

    Blocks for some seconds while the broker is frozen, so it is separate from `sweep`.
    """
    queue.rank(_feed())


def _feed() -> str:
    """The OutboxMessage.Problem that keeps messages from being processed, or ""."""
    try:
        outbox.publish_due()
        if outbox.republish_lost(after=settings.REPUBLISH_SECONDS):
            outbox.publish_due()
        return "" if workers.look() else OutboxMessage.Problem.NO_WORKER
    except outbox.BROKER_AWAY as error:
        log.warning("broker_unavailable", error=type(error).__name__)
        return OutboxMessage.Problem.NO_QUEUE


def take_over_lost_steps() -> int:
    """Requeue or fail every step whose lease expired; how many."""
    lost = TaskDetail.objects.select_related("task").filter(
        status=Status.RUNNING, lease_expires_at__lt=Now()
    )
    taken = 0
    for detail in lost.iterator():
        with _by_itself(detail.task_id):
            taken += _take_over(detail)
    return taken


def _take_over(detail: TaskDetail) -> bool:
    try:
        services.take_over(detail, WorkerLost(tries=settings.TASK_MAX_LOSSES))
    except Fenced:
        return False  # the lease was renewed, or the task cancelled
    log.warning("step_taken_over", task_id=str(detail.task_id), step=detail.step_type)
    return True


@contextmanager
def _by_itself(task_id: UUID) -> Iterator[None]:
    """Leave a task that can't be moved now to the next round, so that the others don't wait."""
    try:
        with transaction.atomic():
            rows.change(_PATIENCE, {})
            yield
    except Error as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        log.warning("task_locked", task_id=str(task_id))
    except Exception:  # it is at a step that only a newer version knows, for instance
        log.exception("task_not_moved", task_id=str(task_id))


def wake_stranded_tasks() -> int:
    """Queue live tasks that have neither a message nor a running step; how many.

    No code path leaves one; a restored backup or a manual edit of the database may.
    """
    running = TaskDetail.objects.filter(task=OuterRef("pk"), status=Status.RUNNING)
    waiting = OutboxMessage.objects.filter(task=OuterRef("pk"))
    stranded = Task.objects.filter(~Exists(running), ~Exists(waiting))
    count = 0
    for status in (Status.PENDING, Status.RUNNING):
        for task_id in stranded.filter(status=status).values_list("pk", flat=True):
            with _by_itself(task_id):
                count += services.wake(task_id)
    return count


def try_lock() -> bool:
    """Become the one active sweeper; the lock lasts as long as this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_ID])
        return bool(cursor.fetchone()[0])


def let_go() -> None:
    """Close the connection, and so release the lock: returned to the pool, it would keep it."""
    if connection.connection is not None:
        connection.connection.close()
    connection.close()
