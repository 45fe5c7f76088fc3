"""F36, F39, F67: Postgres' connections exhausted, sockets that lose their server, stalled
clients."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from urllib.parse import urlsplit

import psycopg
import pytest
from websockets.exceptions import InvalidHandshake, WebSocketException

from chaos.stack import text
from chaos.test_workers import held
from notebook.tests.live import until

RETRY_SECONDS = 0.3
EXHAUSTED = (
    "too many clients|couldn't get a connection|reserved for roles|database_unavailable"
    r"|readyz|Service Unavailable|\"code\": 503"
)


# --- F36: Postgres has no connection left ---------------------------------------------------------
@contextmanager
def no_connection_left(stack):
    """All connections of the server are taken; the stack's own were ended before."""
    with ExitStack() as held_ones:
        with stack.database() as db:
            hold_all(stack, held_ones)
            db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'notebook'"
            )
        until(lambda: hold_all(stack, held_ones), lambda more: not more)
        yield


def hold_all(stack, held_ones):
    """How many more are available."""
    had = 0
    with suppress(psycopg.OperationalError):
        while True:
            held_ones.enter_context(stack.database())
            had += 1
    return had


def timed(ask):
    started = time.monotonic()
    response = ask()
    return response, time.monotonic() - started


# The second: Celery could not store a result row, which nothing depends on.
@pytest.mark.fault("F36", bound=60, errors=(EXHAUSTED, "raised unexpected: OperationalError"))
def test_without_a_free_connection_the_api_says_so_and_workers_wait(stack, client, clock):
    """All connections of Postgres are taken: 503 with Retry-After in time, then work continues."""
    with held(stack.embedder):
        document = stack.upload(client, "waits.txt", text(40))
        stack.until_step(document["task"]["id"], "EMBEDDING_GENERATION", "RUNNING")
        with clock:
            with no_connection_left(stack), ThreadPoolExecutor(6) as pool:
                asked = [
                    lambda: client.get("/api/documents/"),
                    lambda: client.post("/api/search/", json={"query": "lighthouse"}),
                    lambda: client.post("/api/documents/", files={"file": ("n.txt", text())}),
                ]
                for response, seconds in pool.map(timed, 2 * asked):
                    assert response.headers["Content-Type"] == "application/problem+json"
                    assert (response.status_code, response.json()["code"]) == (
                        503, "database_unavailable",
                    )  # fmt: skip
                    assert int(response.headers["Retry-After"]) > 0
                    assert seconds < 10
            until(lambda: client.get("/api/documents/").status_code, lambda code: code == 200)
            stack.embedder.reset()
            done = stack.until_done(client, document["id"])
    assert done["status"] == "AVAILABLE"
    task = stack.task(client, done)
    assert task["attempt"] == 1
    assert "FAILED" not in {detail["status"] for detail in task["task_details"]}


# --- F39: a web server with many sockets dies -----------------------------------------------------
class Follower(threading.Thread):
    """A client that follows one task and reconnects whenever its socket ends."""

    def __init__(self, stack, document, username):
        super().__init__(daemon=True)
        self.connected_at = []
        self.snapshots = []
        self._where = (document["task"]["socket"], username)
        self._stack, self._stop_asked = stack, threading.Event()

    def run(self):
        while not self._stop_asked.is_set():
            try:
                with self._stack.socket(*self._where) as connection:
                    self._follow(connection)
            except (OSError, WebSocketException, InvalidHandshake):
                self._stop_asked.wait(RETRY_SECONDS)

    def _follow(self, connection):
        first = True
        while not self._stop_asked.is_set():
            with suppress(TimeoutError):
                self.snapshots.append(json.loads(connection.recv(timeout=0.5)))
                if first:
                    self.connected_at.append(time.monotonic())
                first = False

    def last_seq(self):
        return self.snapshots[-1]["seq"]

    def stop(self):
        self._stop_asked.set()


SOCKETS = 100
PEOPLE = ("admin", "reader-1", "reader-2")
MAKE_PEOPLE = """
from django.contrib.auth import get_user_model
for name in ("reader-1", "reader-2"):
    if not get_user_model().objects.filter(username=name).exists():
        get_user_model().objects.create_user(name, password="let-me-in-please")
"""


@pytest.mark.fault("F39", bound=60)
def test_a_hundred_sockets_are_back_at_once_and_know_the_truth(stack, clock):
    """`kill -9` of the web server with 100 sockets: all back 5 s after its return, all up to
    date."""
    stack.manage("shell", "-c", MAKE_PEOPLE)
    with ExitStack() as cleanup, held(stack.embedder):
        clients = {name: cleanup.enter_context(stack.client(name)) for name in PEOPLE}
        documents = {
            name: stack.upload(client, f"{name}.txt", text(40)) for name, client in clients.items()
        }
        followers = [
            Follower(stack, documents[PEOPLE[n % 3]], PEOPLE[n % 3]) for n in range(SOCKETS)
        ]
        for follower in followers:
            follower.start()
            cleanup.callback(follower.stop)
        until(lambda: [f for f in followers if not f.snapshots], lambda late: not late, seconds=60)
        with clock:
            was = stack.kill("web")
            stack.until_back("web", after=was)
            back = time.monotonic()
            until(lambda: [f for f in followers if len(f.connected_at) < 2], lambda late: not late)
            assert max(follower.connected_at[-1] for follower in followers) - back < 5
        stack.embedder.reset()
        for name, client in clients.items():
            assert stack.until_done(client, documents[name]["id"])["status"] == "AVAILABLE"
            truth = stack.task(client, documents[name])
            for follower in followers[PEOPLE.index(name) :: 3]:
                until(follower.last_seq, truth["seq"].__eq__)
                numbers = [snapshot["seq"] for snapshot in follower.snapshots]
                assert numbers == sorted(numbers)


# --- F67: clients that begin and do not continue --------------------------------------------------
STALLED = 300


@pytest.mark.fault("F72", bound=90)
def test_stalled_clients_stop_nobody_and_are_ended(stack, client, clock):
    """300 clients send three bytes and stall: others are served; in a minute they are gone."""
    address = urlsplit(stack.url)
    head = "POST /api/documents/ HTTP/1.1\r\nHost: x\r\nContent-Length: 90000000\r\n"
    # Without one it would be refused at once.
    head += f"Authorization: Token {stack.tokens[stack.username]}\r\n\r\nabc"
    with ExitStack() as cleanup, clock:
        connections = []
        for _ in range(STALLED):
            connection = socket.create_connection((address.hostname, address.port), timeout=90)
            connections.append(cleanup.enter_context(connection))
            connection.sendall(head.encode())
        response, seconds = timed(lambda: client.get("/api/documents/"))
        assert (response.status_code, seconds < 5) == (200, True)
        document = stack.upload(client, "beside.txt", text())
        assert stack.until_done(client, document["id"])["status"] == "AVAILABLE"
        for connection in connections:
            assert connection.recv(1) == b""
