"""Response times of the admin with 100,000 tasks: ``python -m bench.admin``.

Tasks, with their steps and histories, are written directly into a stack's tables: 2 % of them
failed, for one of eight reasons, some are waiting. Pages are requested through the web server, like
a browser does, in turns.
"""

import argparse
import statistics
import time
from typing import Any

import httpx2

from bench.stack import PASSWORD, Stack, running_stack
from bench.vectors import embedding_stub

DOCUMENTS = """
INSERT INTO documents_document (id, owner_id, name, file, content_type, size, sha256, status,
    chunk_count, language, error_code, error_message)
SELECT gen_random_uuid(), (SELECT min(id) FROM auth_user), 'Report ' || n || '.pdf', 'none/' || n,
    'application/pdf', n, md5(n::text) || md5(n::text),
    CASE WHEN n %% 50 = 0 THEN 'FAILED' ELSE 'AVAILABLE' END, 1, 'en',
    CASE WHEN n %% 50 = 0 THEN 'code_' || n / 50 %% 8 END,
    CASE WHEN n %% 50 = 0 THEN 'It failed.' END
FROM generate_series(1, %(tasks)s) n
"""
TASKS = """
INSERT INTO tasks_task (id, pipeline, document_id, owner_id, options, lane, effort, status,
    progress, error_code, error_message, attempt, seq, created_at, started_at, completed_at)
SELECT gen_random_uuid(), 'document', id, owner_id, '{}', 'QUICK', 1,
    CASE status WHEN 'FAILED' THEN 'FAILED' ELSE 'COMPLETED' END, 100, error_code, error_message,
    1, 9, now() - size * interval '20 seconds', now() - size * interval '20 seconds',
    now() - size * interval '20 seconds'
FROM documents_document
"""
STEPS = """
INSERT INTO tasks_taskdetail (task_id, step_type, step_order, status, progress, details,
    started_at, completed_at, worker, failures, losses)
SELECT id, step, n, 'COMPLETED', 100, '{}', started_at, completed_at, 'worker', 0, 0
FROM tasks_task, unnest(ARRAY['FILE_UPLOAD', 'TEXT_EXTRACTION', 'TEXT_SPLITTING',
    'EMBEDDING_GENERATION', 'VECTOR_STORAGE']) WITH ORDINALITY AS steps (step, n)
"""
EVENTS = """
INSERT INTO tasks_taskevent (task_id, event, attempt, step_type, worker, times)
SELECT id, event, 1, '', 'worker', 1
FROM tasks_task, unnest(ARRAY['CREATED', 'STARTED', 'COMPLETED']) event
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.admin", description=__doc__)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with (
        embedding_stub(384) as url,
        running_stack(embedding_url=url, dimensions=384, workers=1) as stack,
    ):
        _fill(stack, options.tasks)
        with httpx2.Client(base_url=stack.url, timeout=60, follow_redirects=True) as staff:
            _sign_in(staff)
            _print(staff, _pages(stack), options.rounds)


def _fill(stack: Stack, tasks: int) -> None:
    with stack.database() as database:
        for statement in (DOCUMENTS, TASKS, STEPS, EVENTS):
            database.execute(statement, {"tasks": tasks} if statement is DOCUMENTS else None)
        database.execute("VACUUM (ANALYZE)")


def _sign_in(staff: httpx2.Client) -> None:
    staff.get("/admin/login/")
    given = {"username": "admin", "password": PASSWORD, "next": "/admin/"}
    given["csrfmiddlewaretoken"] = staff.cookies["csrftoken"]
    answer = staff.post("/admin/login/", data=given, headers={"Referer": str(staff.base_url)})
    assert "How the work stands" in answer.text


def _pages(stack: Stack) -> dict[str, str]:
    with stack.database() as database:
        row: Any = database.execute("SELECT id FROM tasks_task LIMIT 1 OFFSET 500").fetchone()
    tasks = "/admin/tasks/task/"
    return {
        "overview": "/admin/",
        "all tasks": tasks,
        "all tasks, page 1,000": f"{tasks}?p=1000",
        "failed": f"{tasks}?status__exact=FAILED",
        "failed by one cause": f"{tasks}?status__exact=FAILED&error_code=code_3",
        "search of a name": f"{tasks}?q=Report+77777",
        "one task": f"{tasks}{row[0]}/change/",
        "documents": "/admin/documents/document/",
    }


def _print(staff: httpx2.Client, pages: dict[str, str], rounds: int) -> None:
    found: dict[str, list[float]] = {name: [] for name in pages}
    for _ in range(rounds):
        for name, path in pages.items():
            started = time.perf_counter()
            staff.get(path).raise_for_status()
            found[name].append(1000 * (time.perf_counter() - started))
    print("| page | median | p95 |\n|---|---|---|")
    for name, times in found.items():
        p95 = statistics.quantiles(times, n=20)[-1]
        print(f"| {name} | {statistics.median(times):.0f} ms | {p95:.0f} ms |")


if __name__ == "__main__":
    main()
