"""Users who upload, cancel, delete, retry and reprocess, and remember what they were promised."""

import hashlib
import threading
from dataclasses import dataclass, field
from functools import partial

import httpx2

from chaos import corpus
from notebook.tests.live import until

PASSWORD = "a-password-of-chaos"
GONE = "GONE"
LATEST = """
    SELECT d.id::text, coalesce(t.status, ''), d.status, d.owner_id, d.sha256
    FROM documents_document d LEFT JOIN LATERAL (
        SELECT status FROM tasks_task WHERE document_id = d.id ORDER BY created_at DESC LIMIT 1
    ) t ON true"""


@dataclass
class Entry:
    """A document and how its latest task may end: statuses, or GONE for a deleted one."""

    name: str
    content: bytes = field(repr=False)
    id: str = ""  # empty: the upload got no answer
    task: str = ""
    may_end: set[str] = field(default_factory=set)


class Person:
    """One user's client. Every answer is a promise; without an answer, either outcome is
    allowed."""

    def __init__(self, stack, name):
        self.name, self.book = name, []
        self._stack = stack
        self._client = stack.client(name, PASSWORD)

    def close(self):
        self._client.close()

    def act(self, rng, *, stop: threading.Event, actions):
        """Random actions with short pauses, until `stop`."""
        for _ in range(actions):
            if stop.is_set():
                return
            self._act(rng)
            stop.wait(rng.uniform(0, 0.5))

    def _act(self, rng):
        known = [entry for entry in self.book[-6:] if entry.id and entry.may_end != {GONE}]
        verbs = ["upload"] * 6 + ["cancel", "delete", "retry", "reprocess"] * bool(known)
        verb = rng.choice(verbs)
        if verb == "upload":
            self.upload(Entry(*corpus.document(rng.choice(corpus.KINDS), rng)))
        else:
            getattr(self, verb)(rng.choice(known))

    # --- Requests ---------------------------------------------------------------------------------
    def upload(self, entry):
        """Also repeated for one without an answer: it must not exist twice."""
        if entry not in self.book:
            self.book.append(entry)
        entry.may_end |= {"COMPLETED", GONE}
        answer = self._ask("POST", "/api/documents/", files={"file": (entry.name, entry.content)})
        if answer is not None:
            assert answer.status_code in (200, 201), answer.text
            said = answer.json()
            assert said["sha256"] == hashlib.sha256(entry.content).hexdigest()
            entry.id, entry.task = said["id"], said["task"]["id"]
            entry.may_end = {"COMPLETED"}

    def cancel(self, entry):
        self._change(entry, "CANCELLED", "POST", f"/api/tasks/{entry.task}/cancel/")

    def retry(self, entry):
        self._change(entry, "COMPLETED", "POST", f"/api/tasks/{entry.task}/retry/")

    def reprocess(self, entry):
        self._change(entry, "COMPLETED", "POST", f"/api/documents/{entry.id}/reprocess/")

    def delete(self, entry):
        self._change(entry, GONE, "DELETE", f"/api/documents/{entry.id}/")

    def _change(self, entry, wish, method, path):
        """Request a change, which a 409 refuses; a 404 is right only if it may be deleted."""
        answer = self._ask(method, path)
        if answer is None:
            entry.may_end = entry.may_end | {wish}
        elif answer.status_code in (202, 204):
            entry.may_end = {wish}
            if method == "POST":
                entry.task = answer.json()["id"]
        elif answer.status_code == 404:
            assert GONE in entry.may_end, (entry, answer.text)
            entry.may_end = {GONE}
        else:
            assert answer.status_code == 409, answer.text

    def _ask(self, method, path, **content):
        """The answer; None if there was none, or one that does not tell the outcome."""
        try:
            answer = self._client.request(method, path, **content)
        except httpx2.HTTPError:
            return None
        return None if answer.status_code == 503 else answer

    # --- Checks -----------------------------------------------------------------------------------
    def upload_again(self):
        """Repeats uploads that got no answer, like a good client: the same bytes, the same
        document."""
        for entry in self.book:
            if not entry.id:
                until(partial(self._uploaded, entry), bool)

    def _uploaded(self, entry):
        self.upload(entry)
        return entry.id

    def check(self, latest):
        """Every promise was kept. `latest`: the result of `latest_of_all`, with no live tasks."""
        for entry in self.book:
            task, document = latest.get(entry.id, (GONE, GONE))
            assert task in entry.may_end, (self.name, entry, task, document)
            assert task != "COMPLETED" or document == "AVAILABLE", (self.name, entry, document)
            entry.may_end = {task}
            if task == GONE and entry.id:
                entry.content = b""  # not repeated again


def latest_of_all(stack):
    """Document id -> status of its latest task, its own status. No owner has a file twice."""
    with stack.database() as db:
        rows = db.execute(LATEST).fetchall()
    assert len({(owner, sha256) for *_, owner, sha256 in rows}) == len(rows)
    return {document_id: (task, status) for document_id, task, status, _, _ in rows}


def create_users(stack, names):
    """Users who can sign in with PASSWORD."""
    code = (
        "from django.contrib.auth.models import User as U\n"
        f"for n in {list(names)!r}:\n"
        f"    U.objects.filter(username=n) or U.objects.create_user(n, password={PASSWORD!r})"
    )
    stack.manage("shell", "-c", code)
