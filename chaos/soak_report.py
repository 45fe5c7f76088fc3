"""The soak's final checks, its progress output, and its report."""

import json
import shutil
import sys
import time
from collections import Counter

from chaos.faults import LOSSES_OF_A_FAULT

MAY_FAIL = {"worker_lost", "embedding_unavailable", "embedding_invalid", "rate_limited"}
# A worker that dies or times out with an unsaved answer, or can't store it, requests it again.
COSTLY = ("kill worker", "kill worker's child", "kill postgres", "freeze postgres")
SOCKET_SECONDS = 30  # within which a socket has the final state
STUCK = """
    SELECT d.name, d.status, coalesce(t.status, 'no task'), coalesce(s.step_type, ''),
        coalesce(s.status, ''), coalesce(s.error_message, ''), t.id::text,
        extract(epoch FROM s.lease_expires_at - now())::int,
        extract(epoch FROM m.due_at - now())::int
    FROM documents_document d
    LEFT JOIN tasks_task t ON t.document_id = d.id
    LEFT JOIN LATERAL (
        SELECT * FROM tasks_taskdetail WHERE task_id = t.id AND status <> 'COMPLETED'
        ORDER BY step_order LIMIT 1
    ) s ON true
    LEFT JOIN tasks_outboxmessage m ON m.task_id = t.id
    WHERE d.status <> 'AVAILABLE' ORDER BY d.created_at"""


# --- Checks: sentences about problems -------------------------------------------------------------
def stuck(soak):
    """Which documents are not AVAILABLE, and where each of them is stuck."""
    found = [
        f"not uploaded: {len(each.documents) - each.uploaded} documents of {each.user}"
        for each in soak.uploaders
        if each.uploaded < len(each.documents)
    ]
    with soak.stack.database() as db:
        rows = db.execute(STUCK).fetchall()
    for name, status, task, step, state, message, task_id, lease, due in rows:
        found.append(
            f"stuck: {name} is {status}, task {task_id} {task}, {step} {state} {message!r},"
            f" lease ends in {lease} s, message due in {due} s"
        )
    return found


def lost_or_doubled(soak):
    with soak.stack.database() as db:
        rows = db.execute(
            "SELECT username, sha256 FROM documents_document d JOIN auth_user u"
            " ON u.id = d.owner_id"
        ).fetchall()
    there = Counter(rows)
    wanted = {(each.user, digest) for each in soak.uploaders for digest in each.documents}
    return [
        *(f"lost: {user}'s {digest}" for user, digest in sorted(wanted - there.keys())),
        *(f"nobody's: {user}'s {digest}" for user, digest in sorted(there.keys() - wanted)),
        *(f"doubled: {each} {count} times" for each, count in there.items() if count > 1),
    ]


def paid_for_nothing(soak):
    """Vectors requested again although stored, or more than were in flight at kills."""
    ledger = soak.ledger
    most = LOSSES_OF_A_FAULT * sum(name in COSTLY for _, name in soak.faults)
    found = [f"asked for again although it was stored: {text[:40]!r}" for text in ledger.kept]
    if ledger.paid_twice > most:
        found.append(f"{ledger.paid_twice} vectors were paid twice, at most {most} were on the way")
    codes = Counter(code for each in soak.uploaders for code in each.failures.elements())
    wrong = {code: count for code, count in codes.items() if code not in MAY_FAIL}
    return [*found, *([f"failed without a reason of its own: {wrong}"] if wrong else [])]


def sockets(soak):
    """`seq` never goes back, and each socket reports the end of all tasks in time."""
    found = [
        f"{each.user}'s socket: seq of {task} went back from {was} to {then}"
        for each in soak.listeners
        for task, was, then in each.went_back
    ]
    deadline = time.monotonic() + SOCKET_SECONDS
    while (silent := _untold(soak)) and time.monotonic() < deadline:
        time.sleep(0.2)  # other threads read the sockets, without notifications
    return found + silent


def _untold(soak):
    with soak.stack.database() as db:
        rows = db.execute(
            "SELECT t.id::text, t.status, username FROM tasks_task t"
            " JOIN auth_user u ON u.id = t.owner_id"
        ).fetchall()
    heard = {each.user: {**each.last} for each in soak.listeners}
    return [
        f"{user}'s socket did not tell that {task} is {status}"
        for task, status, user in rows
        if user in heard and heard[user].get(task, {}).get("status") != status
    ]


# --- Progress ------------------------------------------------------------------------------------
class Teller:
    """One line that is updated; in a log, one line every ten seconds."""

    def __init__(self, soak):
        self._soak, self._told = soak, 0.0

    def __call__(self, *, last=False):
        alive = sys.stdout.isatty()
        if not (last or alive or time.monotonic() > self._told + 10):
            return
        self._told = time.monotonic()
        end = "\n" if last or not alive else "\r"
        print(self._line(), end=end, flush=True)  # progress over a quarter of an hour

    def _line(self):
        soak = self._soak
        uploaded = sum(each.uploaded for each in soak.uploaders)
        fault = soak.faults[-1][1] if soak.faults else "none yet"
        return (
            f"{soak.elapsed:5.0f} s  {uploaded} uploaded, {soak.available} of {soak.count} ready,"
            f" {len(soak.faults)} faults, the last: {fault:<24}"
        )


# --- Report --------------------------------------------------------------------------------------
def write(soak, path):
    """The Markdown at `path`, the same as JSON beside it, and a verdict for the terminal."""
    found = facts(soak)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(f"{path.name}.json").write_text(json.dumps(found, indent=2) + "\n")
    path.write_text(_markdown(found))
    for sentence in soak.wrong:
        print(f"  {sentence}")  # the verdict, for the terminal
    print(f"{found['verdict']}. Report: {path}")  # likewise


def facts(soak):
    added = {name: _sum(soak.uploaders, name) for name in ("refusals", "failures")}
    return {
        "verdict": "NOT WELL" if soak.wrong else "All is well",
        "seed": soak.seed,
        "documents": soak.count,
        "available": soak.available,
        "seconds": round(soak.took, 1),
        "documents_per_second": round(soak.available / soak.took, 2),
        "vectors_paid": soak.ledger.paid.total(),
        "vectors_paid_twice": soak.ledger.paid_twice,
        "vectors_paid_although_stored": len(soak.ledger.kept),
        "refused_requests_tried_again": added["refusals"],
        "failed_and_retried": added["failures"],
        "socket_messages": sum(each.messages for each in soak.listeners),
        "socket_connections": sum(each.connections for each in soak.listeners),
        "wrong": soak.wrong,
        "faults_by_kind": dict(Counter(name for _, name in soak.faults).most_common()),
        "faults": soak.faults,
    }


def _sum(uploaders, name):
    return {
        str(key): count
        for key, count in sum((getattr(each, name) for each in uploaders), Counter()).items()
    }


def _markdown(found):
    lists = {name: found[name] for name in ("wrong", "faults")}
    lines = ["# Soak", "", f"{found['verdict']}.", ""]
    lines += [f"- {name}: {value}" for name, value in found.items() if name not in lists]
    lines += ["", "## Wrong", "", *(f"- {each}" for each in found["wrong"] or ["nothing"])]
    lines += ["", "## Faults", "", "| second | fault |", "|---:|---|"]
    return "\n".join([*lines, *(f"| {at} | {name} |" for at, name in found["faults"]), ""])


def keep_logs(stack, path):
    """The logs of a failed soak, beside its report."""
    target = path.with_name("soak-logs")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(stack.data_dir / "logs", target)
    print(f"Logs: {target}")
