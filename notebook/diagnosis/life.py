"""Whether work progresses: the workers, the sweeper, what waits and why."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from kombu.exceptions import OperationalError

from notebook.diagnosis.finding import Finding, Level
from tasks import overview, sweeper, workers
from tasks.models import OutboxMessage, Status, TaskDetail, Worker

LONG_SECONDS = 60  # a wait worth a note
TOO_LONG_SECONDS = 300  # a wait that is a problem if nothing runs


def consumers() -> Finding:
    """Asks all workers through the broker."""
    try:
        count = workers.look()
    except (OSError, OperationalError) as error:
        said = f"They can't be asked ({type(error).__name__})."
        return Finding(level=Level.PROBLEM, name="Workers", sentence=said)
    if not count:
        return Finding(level=Level.PROBLEM, name="Workers", sentence="Nobody consumes the queue.")
    slots = dict(Worker.objects.order_by("-seen_at").values_list("name", "slots")[:count])
    said = ", ".join(f"{name} ({number} slots)" for name, number in sorted(slots.items()))
    return Finding(level=Level.OK, name="Workers", sentence=said, facts={"slots": slots})


_SWEEPERS = """
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint << 32 | objid::bigint = %s
"""


def sweepers() -> Finding:
    if _one_row(_SWEEPERS, sweeper.LOCK_ID)[0]:
        return Finding(level=Level.OK, name="Sweeper", sentence="One is at work.")
    said = "None is at work: what a lost worker leaves is not taken over. Run `manage.py sweep`."
    return Finding(level=Level.PROBLEM, name="Sweeper", sentence=said)


_WAITING = f"""
    SELECT task_id::text, owner_id, extract(epoch FROM statement_timestamp() - due_at)::int,
        count(*) OVER (), (SELECT count(*) FROM {TaskDetail._meta.db_table} WHERE status = %s)
    FROM {OutboxMessage._meta.db_table} WHERE due_at <= statement_timestamp()
    ORDER BY due_at LIMIT 1
"""  # noqa: S608 - names of our own, here and below


def waiting() -> Finding:
    """The task that has been due for longest."""
    row = _one_row(_WAITING, Status.RUNNING)
    if row is None:
        return Finding(level=Level.OK, name="Waiting", sentence="No task waits for a worker.")
    task_id, owner_id, seconds, count, running = row
    facts = {
        "count": count, "oldest_seconds": seconds, "oldest_task": task_id,
        "oldest_owner": owner_id, "running": running,
    }  # fmt: skip
    level = Level.NOTE if seconds > LONG_SECONDS else Level.OK
    said = f"{count} wait and {running} run; task {task_id} of user {owner_id} for {seconds} s."
    if seconds > TOO_LONG_SECONDS and not running:
        level, said = Level.PROBLEM, f"{said} Nothing moves."
    return Finding(level=level, name="Waiting", sentence=said, facts=facts)


def paused() -> Finding:
    """The tasks that wait for a pause to end, by the reason shown."""
    reasons = {pause.sentence or "": pause.count for pause in overview.pauses()}
    if not reasons:
        return Finding(level=Level.OK, name="Paused", sentence="No task waits for a pause to end.")
    said = " ".join(
        f"{count} × {reason or 'Without a reason.'}" for reason, count in reasons.items()
    )
    return Finding(level=Level.NOTE, name="Paused", sentence=said, facts={"reasons": reasons})


def _one_row(query: str, *params: Any) -> Sequence[Any] | Any:
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        return cursor.fetchone()
