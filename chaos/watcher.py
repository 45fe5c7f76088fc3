"""Watches a task like a client: over the socket and by polling, through every outage."""

import json
import threading
import time

import httpx2
from websockets.exceptions import InvalidHandshake, WebSocketException

TERMINAL = ("COMPLETED", "FAILED", "CANCELLED")
RECONNECT_SECONDS = 0.3
POLL_SECONDS = 0.5


class Watcher:
    """Every snapshot of one task, in the order received on each path.

    Use as a context manager around the fault; call `finish` after it.
    """

    def __init__(self, stack, client, document):
        self.socket_said = [[]]  # one list per connection
        self.polls = []
        self.answers = []  # status codes of the polls; 0: no answer
        self._stack, self._client, self._document = stack, client, document
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=self._poll, daemon=True),
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join(20)

    @property
    def reconnects(self):
        return len(self.socket_said) - 1

    def finish(self, *, seconds=30):
        """Wait until both paths have seen the end; assert what a client may rely on."""
        deadline = time.monotonic() + seconds
        while not (self._ended(self.socket_said[-1]) and self._ended(self.polls)):
            assert time.monotonic() < deadline, (self.socket_said[-1][-1:], self.polls[-1:])
            time.sleep(0.05)  # other threads are watching, without notifications
        self.check()

    def check(self):
        """`seq` never goes back, and the socket's last snapshot equals the API's."""
        everything = [snapshot for connection in self.socket_said for snapshot in connection]
        for seen in (everything, self.polls):
            numbers = [snapshot["seq"] for snapshot in seen]
            assert numbers == sorted(numbers), numbers
        told = {name: value for name, value in everything[-1].items() if name != "type"}
        truth = self._stack.task(self._client, self._document)
        assert told == {name: truth[name] for name in told}

    def errors_shown(self):
        """Every error shown to the user on the task or one of its steps."""
        everything = [snapshot for seen in (*self.socket_said, self.polls) for snapshot in seen]
        parts = [part for each in everything for part in (each, *each["task_details"])]
        return {part["error_message"] for part in parts if part["error_message"]}

    def _ended(self, seen):
        return bool(seen) and seen[-1]["status"] in TERMINAL

    def _listen(self):
        while not self._stop.is_set() and not self._ended(self.socket_said[-1]):
            try:
                with self._stack.socket(self._document["task"]["socket"]) as socket:
                    self._hear(socket)
            except (OSError, WebSocketException, InvalidHandshake):
                self._stop.wait(RECONNECT_SECONDS)
                self.socket_said.append([])

    def _hear(self, socket):
        while not self._stop.is_set() and not self._ended(self.socket_said[-1]):
            try:
                said = json.loads(socket.recv(timeout=1))
            except TimeoutError:
                continue
            if said.get("type") == "task":
                self.socket_said[-1].append(said)

    def _poll(self):
        address = f"/api/tasks/{self._document['task']['id']}/"
        with self._stack.client() as client:
            while not self._stop.is_set() and not self._ended(self.polls):
                try:
                    response = client.get(address, timeout=10)
                    self.answers.append(response.status_code)
                    if response.status_code == 200:
                        self.polls.append(response.json())
                except httpx2.HTTPError:
                    self.answers.append(0)
                self._stop.wait(POLL_SECONDS)
