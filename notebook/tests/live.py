"""The whole stack as a user has it, started by the product's own supervisor.

It uses the run's Postgres (a database of its own) and stand-in embedding server. Its Valkey is its
own too: its worker would take the messages of other tests.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psycopg
from websockets.sync.client import connect

from documents.tests.embedding_server import EmbeddingServer
from notebook.stack.service import free_port
from notebook.tests import asyncapi

PROJECT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 120
DONE_SECONDS = 90
PASSWORD = "let-me-in-please"


@dataclass
class LiveStack:
    url: str
    username: str
    password: str
    data_dir: Path
    environment: dict[str, str]
    embedder: EmbeddingServer
    tokens: dict[str, str] = field(default_factory=dict)

    def client(self, username: str | None = None, password: str | None = None) -> httpx2.Client:
        """An HTTP client signed in by token, as a program would."""
        username, password = username or self.username, password or self.password
        if username not in self.tokens:
            given = {"username": username, "password": password}
            answer = httpx2.post(f"{self.url}/api/auth/token/", json=given, timeout=30)
            self.tokens[username] = answer.json()["token"]
        headers = {"Authorization": f"Token {self.tokens[username]}"}
        return httpx2.Client(base_url=self.url, timeout=30, headers=headers)

    def socket(self, path: str, username: str | None = None):
        subprotocols = ["notebook.v1", f"token.{self.tokens[username or self.username]}"]
        return connect(self.url.replace("http", "ws") + path, subprotocols=subprotocols)

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.check_output(
            command, cwd=PROJECT, env=self.environment, text=True, timeout=120
        )

    def pid(self, name: str) -> int:
        return int((self.data_dir / "run" / f"{name}.pid").read_text().split()[0])

    def upload(self, client: httpx2.Client, name: str, content: bytes) -> dict:
        response = client.post("/api/documents/", files={"file": (name, content)})
        assert response.status_code in (200, 201), response.text
        return response.json()

    def until_done(self, client: httpx2.Client, document_id: str) -> dict:
        return until(
            lambda: client.get(f"/api/documents/{document_id}/").json(),
            lambda found: found["task"]["status"] not in ("PENDING", "RUNNING"),
            seconds=DONE_SECONDS,
        )


def until(look, holds, *, seconds: float = 30):
    """What `look` gives, as soon as it `holds`; AssertionError with the last look otherwise."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if holds(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


@contextmanager
def running_stack(data_dir: Path, embedder: EmbeddingServer, more: dict[str, str]):
    server, _, _ = os.environ["DATABASE_URL"].rpartition("/")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as db:
        db.execute("CREATE DATABASE notebook_live")
    port = free_port()
    environment = {
        **os.environ,
        **more,
        "ADMIN_PASSWORD": PASSWORD,
        "DATABASE_POOL_SIZE": "4",
        "DATABASE_URL": f"{server}/notebook_live",
        "DATA_DIR": str(data_dir),
        "PORT": str(port),
        "TASK_LEASE_SECONDS": "6",
        "WORKER_CONCURRENCY": "2",
    }
    for name in ("REDIS_URL", "PYTEST_CURRENT_TEST"):
        environment.pop(name, None)
    supervisor = start_supervisor(environment, data_dir / "stack.log")
    try:
        until_ready(supervisor, data_dir / "stack.log")
        environment |= json.loads((data_dir / "runtime.json").read_text())
        yield LiveStack(
            url=f"http://127.0.0.1:{port}",
            username="admin",
            password=PASSWORD,
            data_dir=data_dir,
            environment=environment,
            embedder=embedder,
        )
    finally:
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait(30)


def start_supervisor(environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "notebook.stack", "--stop-with-parent"],
            cwd=PROJECT, env=environment, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip


def until_ready(supervisor: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the web server answers; AssertionError with what was said if it does not."""
    until(
        lambda: (supervisor.poll(), log.read_text()),
        lambda found: found[0] is not None or "is ready at" in found[1],
        seconds=START_SECONDS,
    )
    assert supervisor.poll() is None, log.read_text()


def snapshots(socket, *, until_status: tuple[str, ...] = ("COMPLETED", "FAILED", "CANCELLED")):
    """Every snapshot the socket sends, up to the one in which the task has ended."""
    found = []
    while not found or found[-1]["status"] not in until_status:
        found.append(asyncapi.check(json.loads(socket.recv(timeout=DONE_SECONDS))))
    return found
