"""Clients of the soak: uploaders that don't give up, and watchers on a socket."""

import hashlib
import json
import threading
from collections import Counter

import httpx2
from websockets.exceptions import WebSocketException

from chaos.people import PASSWORD

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 3.0
POLL_SECONDS = 1.5
LOOK_EVERY = 5  # uploads


class Uploader(threading.Thread):
    """One user's program: uploads all files, repeats refused requests, retries failed documents."""

    def __init__(self, stack, user, documents, rng, *, pace, stopped):
        super().__init__(daemon=True)
        self.user = user
        self.documents = {hashlib.sha256(content).hexdigest(): name for name, content in documents}
        self.uploaded, self.statuses = 0, Counter()
        self.refusals, self.failures = Counter(), Counter()  # by answer; by error code
        self.error = None
        self._client = stack.client(user, PASSWORD)
        self._contents, self._rng, self._pace, self._stopped = documents, rng, pace, stopped

    @property
    def is_done(self):
        return self.statuses["AVAILABLE"] == len(self._contents)

    def run(self):
        try:
            for number, (name, content) in enumerate(self._contents):
                self._upload(name, content)
                self._stopped.wait(self._rng.uniform(0, 2 * self._pace))
                if number % LOOK_EVERY == 0:
                    self._look()
            while not self.is_done and not self._stopped.wait(POLL_SECONDS):
                self._look()
        except Exception as error:  # noqa: BLE001 - the soak tells of it
            self.error = f"{self.user}: {type(error).__name__}: {error}"

    def _upload(self, name, content):
        answer = self._ask("POST", "/api/documents/", files={"file": (name, content)})
        if answer is not None:
            digest = hashlib.sha256(content).hexdigest()
            assert (answer.status_code, answer.json()["sha256"]) in ((200, digest), (201, digest))
            self.uploaded += 1

    def _look(self):
        found = list(self._all())
        self.statuses = Counter(document["status"] for document in found)
        for document in found:
            if document["status"] == "FAILED":
                self.failures[document["error_code"]] += 1
                self._ask("POST", f"/api/tasks/{document['task']['id']}/retry/")

    def _all(self):
        address = "/api/documents/?page_size=200"
        while address and not self._stopped.is_set():
            page = self._ask("GET", address)
            if page is None:
                return
            yield from page.json()["results"]
            address = page.json()["next"]

    def _ask(self, method, path, **content):
        """The answer, after as many attempts as it takes; None if the soak ends before."""
        pause = FIRST_PAUSE_SECONDS
        while not self._stopped.is_set():
            try:
                answer = self._client.request(method, path, **content)
            except httpx2.HTTPError as error:
                self.refusals[type(error).__name__] += 1
            else:
                if answer.status_code not in (429, 503):
                    assert answer.status_code < 300 or answer.status_code == 409, answer.text
                    return answer
                self.refusals[answer.status_code] += 1
            self._stopped.wait(self._rng.uniform(0, pause))
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        return None


class Listener(threading.Thread):
    """One user's socket for all tasks, reopened whenever it closes."""

    def __init__(self, stack, user, *, stopped):
        super().__init__(daemon=True)
        self.user, self.messages, self.connections = user, 0, 0
        self.went_back = []  # task, its seq before, the smaller seq after
        self.last = {}  # task id -> its last snapshot
        self._stack, self._stopped = stack, stopped

    def run(self):
        while not self._stopped.is_set():
            try:
                with self._stack.socket("/ws/tasks/", self.user) as socket:
                    self.connections += 1
                    self._hear(socket)
            except (OSError, WebSocketException):
                self._stopped.wait(0.5)

    def _hear(self, socket):
        while not self._stopped.is_set():
            try:
                said = json.loads(socket.recv(timeout=1))
            except TimeoutError:
                continue
            self.messages += 1
            before = self.last.get(said["task_id"])
            if before and said["seq"] < before["seq"]:
                self.went_back.append((said["task_id"], before["seq"], said["seq"]))
            self.last[said["task_id"]] = said
