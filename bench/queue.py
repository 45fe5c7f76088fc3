"""What turns cost Postgres while many tasks wait: ``python -m bench.queue``.

Waiting tasks are written directly into the tables of an embedded Postgres. Half of them belong to
one owner, the other half to many. No worker takes them.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import django

from notebook.stack.services import running

OWNERS = """
INSERT INTO auth_user (username, password, is_superuser, is_staff, is_active, first_name,
    last_name, email, date_joined)
SELECT 'owner' || n, '', false, false, true, '', '', '', now() FROM generate_series(0, %(owners)s) n
"""
TASKS = """
INSERT INTO tasks_task (id, pipeline, owner_id, options, lane, effort, status, progress, attempt,
    seq, created_at, updated_at)
SELECT gen_random_uuid(), 'document', first.id + n %% 2 * (1 + n / 2 %% %(owners)s), '{}', 'QUICK',
    1, 'PENDING', 0, 1, 1, now() - n * interval '1 second', now()
FROM generate_series(1, %(tasks)s) n, (SELECT min(id) AS id FROM auth_user) first
"""
MESSAGES = """
INSERT INTO tasks_outboxmessage (task_id, step_type, attempt, owner_id, lane, turn_at, problem)
SELECT id, '', 1, owner_id, lane, created_at, '' FROM tasks_task
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.queue", description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--owners", type=int, default=500)
    options = parser.parse_args()
    os.environ |= {"OPENAI_API_KEY": "none", "LOG_LEVEL": "ERROR"}
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), embedder=False) as given:
        os.environ |= given
        django.setup()
        _measure(options.tasks, options.owners)


def _measure(tasks: int, owners: int) -> None:
    from django.core.management import call_command
    from django.db import connection

    from tasks import queue

    call_command("migrate", interactive=False, verbosity=0)
    with connection.cursor() as cursor:
        for statement in (OWNERS, TASKS, MESSAGES):
            given = {"tasks": tasks, "owners": owners}
            cursor.execute(statement, given if statement is not MESSAGES else None)
        cursor.execute("VACUUM (ANALYZE)")
    _print("whether a message may be sent", queue.may_send, 200)
    _print("a turn", lambda: queue.refuse(queue.admit()), 200)
    _print("to tell everybody a first position", queue.rank, 1)
    _print("to find that no position has changed", queue.rank, 20)
    _print("to tell everybody that no worker runs", lambda: queue.rank("no_worker"), 1)


def _print(what: str, work: Callable[[], object], times: int) -> None:
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append(1000 * (time.perf_counter() - started))
    print(f"| {what} | {statistics.median(found):.1f} ms |")


if __name__ == "__main__":
    main()
