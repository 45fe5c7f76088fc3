"""What must hold after every fault, once the stack has recovered."""

import hashlib
import json
import re

import psutil

from chaos.stack import PROCESSES
from notebook.tests.live import until

SETTLE_SECONDS = 20
# Errors that a process legitimately logs when it, or one it depends on, is killed.
OF_A_KILL = (
    r"exited with 'signal (9|15)",
    r"WorkerLostError",
    r"consumer: Cannot connect to",
    r"Connection to broker lost",
    r"Can't process message|Control command error|Error while (closing|communicating)",
)
# Each query finds rows that must not exist; its name says what they would be.
CONSISTENT = {
    "a document whose count is not that of its chunks": """
        SELECT d.id FROM documents_document d LEFT JOIN documents_chunk c ON c.document_id = d.id
        GROUP BY d.id HAVING count(c.id) <> d.chunk_count""",
    "a document whose chunks are not numbered 0 to n-1": """
        SELECT document_id FROM documents_chunk GROUP BY document_id
        HAVING count(*) <> count(DISTINCT index) OR min(index) <> 0
        OR max(index) <> count(*) - 1""",
    "a document that is available without chunks": """
        SELECT id FROM documents_document WHERE status = 'AVAILABLE' AND chunk_count = 0""",
    "a document that is not available after its task was completed": """
        SELECT d.id FROM documents_document d JOIN tasks_task t ON t.document_id = d.id
        WHERE t.status = 'COMPLETED' AND d.status <> 'AVAILABLE'""",
    "a completed task with a step that is not": """
        SELECT t.id FROM tasks_task t JOIN tasks_taskdetail s ON s.task_id = t.id
        WHERE t.status = 'COMPLETED' AND s.status <> 'COMPLETED'""",
    "an ended task with a live step": """
        SELECT t.id FROM tasks_task t JOIN tasks_taskdetail s ON s.task_id = t.id
        WHERE t.status IN ('COMPLETED', 'FAILED', 'CANCELLED')
        AND s.status IN ('PENDING', 'RUNNING')""",
    "a draft of a completed task": """
        SELECT DISTINCT t.id FROM documents_draft d JOIN tasks_task t ON t.id = d.task_id
        WHERE t.status = 'COMPLETED'""",
    "a message of an ended task": """
        SELECT t.id FROM tasks_outboxmessage m JOIN tasks_task t ON t.id = m.task_id
        WHERE t.status IN ('COMPLETED', 'FAILED', 'CANCELLED')""",
    "a chunk without a vector of the space that is searched": """
        SELECT c.id FROM documents_chunk c WHERE NOT EXISTS (
            SELECT FROM documents_chunkvector v JOIN documents_embeddingspace s ON s.id = v.space_id
            WHERE v.chunk_id = c.id AND s.state = 'ACTIVE')""",
    "a chunk whose text is not that part of the document's": """
        SELECT c.id FROM documents_chunk c JOIN documents_document d ON d.id = c.document_id
        JOIN documents_extraction e ON e.id = d.extraction_id
        WHERE c.text <> substr(e.text, c.start + 1, c."end" - c.start)""",
}


def check(stack, *, allowed=()):
    """AssertionError with what is wrong. `allowed`: patterns of errors that logs may contain."""
    assert not stack.live_tasks()
    check_processes(stack)
    check_connections(stack)
    check_rows(stack)
    check_files(stack)
    check_logs(stack, allowed)


def check_processes(stack):
    """Every running process belongs to the stack, and each process of the stack has its record."""
    until(lambda: _strangers(stack), lambda found: not found, seconds=SETTLE_SECONDS)


def _strangers(stack):
    """Zombies, and processes of the stack that no longer belong to any part of it."""
    family = stack.family()
    known = set()
    for name in PROCESSES:
        process = stack.process(name)
        known |= {process, *process.children(recursive=True)}
    found = [process for process in family if _is_zombie(process) or process not in known]
    return found + [process for process in stack.seen - family if _still_runs(process)]


def _is_zombie(process):
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _still_runs(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def check_connections(stack):
    """No transaction is left open, and no process has more connections than its pool allows."""
    pool = int(stack.environment["DATABASE_POOL_SIZE"])
    processes = 4 + len(stack.worker_children())  # web, worker, sweeper, beat
    until(
        lambda: _connections(stack),
        lambda found: not found["busy"] and found["all"] <= pool * processes,
        seconds=SETTLE_SECONDS,
    )


def _connections(stack):
    query = """
        SELECT count(*), count(*) FILTER (WHERE state <> 'idle') FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""
    with stack.database() as db:
        every, busy = db.execute(query).fetchone()
    return {"all": every, "busy": busy}


def check_rows(stack):
    with stack.database() as db:
        found = {name: db.execute(query).fetchall() for name, query in CONSISTENT.items()}
    assert not any(found.values()), {name: rows for name, rows in found.items() if rows}


def check_files(stack):
    """Every document's file exists and is the uploaded one."""
    with stack.database() as db:
        rows = db.execute("SELECT file, sha256 FROM documents_document").fetchall()
    for path, digest in rows:
        content = (stack.data_dir / "files" / path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, path


def check_logs(stack, allowed=()):
    """No errors are logged except for failed tasks and those that the row expects."""
    expected = re.compile("|".join((*OF_A_KILL, *allowed)))
    failed = _failed_tasks(stack)
    strange = [
        line
        for name in ("web", "worker", "sweeper", "beat")
        for line in map(_event, stack.logs(name).splitlines())
        if line.get("level") in ("error", "critical")
        and not expected.search(json.dumps(line, ensure_ascii=False))
        and not any(task_id in json.dumps(line) for task_id in failed)
    ]
    assert not strange, strange


def check_by_doctor(stack):
    """The product's own integrity check (I1-I8) of the remaining rows."""
    found = stack.doctor()
    assert found["healthy"], [each for each in found["findings"] if each["level"] != "ok"]


def _event(line):
    try:
        event = json.loads(line)
    except ValueError:  # part of a traceback, or output of a library
        return {}
    return event if isinstance(event, dict) else {}


def _failed_tasks(stack):
    with stack.database() as db:
        rows = db.execute("SELECT id::text FROM tasks_task WHERE status = 'FAILED'").fetchall()
    return [row[0] for row in rows]
