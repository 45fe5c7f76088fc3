"""The product as users run it, started by its own supervisor for a bench."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import psutil
import psycopg
from websockets.sync.client import ClientConnection, connect

from bench.program import PROJECT, Measured, cpu_seconds
from bench.vectors import until
from notebook.stack.service import free_port

PASSWORD = "only-for-this-bench"
CLIENTS = 2  # concurrent uploaders
PARTS = ("web", "worker", "sweeper", "beat", "valkey", "postgres")
DONE_SECONDS = 1800
ENDED = ("COMPLETED", "FAILED", "CANCELLED")


@dataclass(frozen=True)
class Stack:
    url: str
    supervisor: psutil.Process
    data_dir: Path
    environment: dict[str, str]
    api: httpx2.Client
    token: str

    @property
    def database_url(self) -> str:
        runtime = json.loads((self.data_dir / "runtime.json").read_text())
        return str(runtime["DATABASE_URL"]).replace("postgres://", "postgresql://")

    def part(self, name: str) -> psutil.Process:
        return psutil.Process(int((self.data_dir / "run" / f"{name}.pid").read_text().split()[0]))

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far, by part of the stack."""
        return {name: cpu_seconds(self.part(name)) for name in PARTS}

    def upload(self, name: str, content: bytes) -> dict[str, Any]:
        answer = self.api.post("/api/documents/", files={"file": (name, content)})
        answer.raise_for_status()
        document: dict[str, Any] = answer.json()
        return document

    @contextmanager
    def listening(self) -> Iterator[Callable[[str], list[float]]]:
        """A function that waits for the end of a document's task, and returns the time of each of
        its events. It hears those since the block began."""
        protocols: Any = ["notebook.v1", f"token.{self.token}"]
        url = self.url.replace("http", "ws") + "/ws/tasks/"
        with connect(url, subprotocols=protocols) as socket:
            yield partial(_follow, socket)

    def process(self, files: Sequence[Path]) -> Measured:
        """Upload all files and wait for the last; returns their results and the costs."""
        cpu, started = sum(self.cpu().values()), time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as clients:
            list(clients.map(lambda file: self.upload(file.name, file.read_bytes()), files))
        with self.database() as database:
            until(lambda: not _live(database), seconds=DONE_SECONDS)
            seconds = time.perf_counter() - started
            found = database.execute(
                "SELECT name, status, chunk_count, error_code FROM documents_document"
            ).fetchall()
        used = sum(self.cpu().values()) - cpu
        failed = {name: code for name, status, _, code in found if status != "AVAILABLE"}
        answer = {"chunks": sum(row[2] for row in found), "failed": failed}
        return Measured(answer, seconds, used)

    def forget(self) -> None:
        """Delete every document like a user would, so that nothing of it is reused."""
        with self.database() as database:
            ids = [row[0] for row in database.execute("SELECT id FROM documents_document")]
        for each in ids:
            self.api.delete(f"/api/documents/{each}/").raise_for_status()

    def step_seconds(self) -> dict[str, float]:
        """The total running time of each step over all documents."""
        with self.database() as database:
            steps = database.execute(
                "SELECT step_type, sum(extract(epoch FROM completed_at - started_at))::float"
                " FROM tasks_taskdetail GROUP BY step_type, step_order ORDER BY step_order"
            ).fetchall()
        return {str(name): float(seconds) for name, seconds in steps}

    def database(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.database_url, autocommit=True)


def _live(database: "psycopg.Connection[Any]") -> int:
    query = "SELECT count(*) FROM tasks_task WHERE status IN ('PENDING', 'RUNNING')"
    row = database.execute(query).fetchone()
    return int(row[0]) if row else 0


def _follow(socket: ClientConnection, document_id: str) -> list[float]:
    seen = []
    while True:
        event = json.loads(socket.recv(timeout=60))
        if event.get("document_id") == document_id:
            seen.append(time.perf_counter())
            if event["status"] in ENDED:
                return seen


@contextmanager
def running_stack(*, embedding_url: str, dimensions: int, workers: int) -> Iterator[Stack]:
    """A whole stack with that many worker processes; everything is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="notebook-bench-") as folder:
        port = free_port()
        environment = {
            **os.environ,
            "ADMIN_PASSWORD": PASSWORD,
            "DATA_DIR": folder,
            "EMBEDDING_BASE_URL": embedding_url,
            "EMBEDDING_DIMENSIONS": str(dimensions),
            "EMBEDDING_PASSAGE_MODEL": "stub",
            "PORT": str(port),
            "WORKER_CONCURRENCY": str(workers),
        }
        with Path(folder, "bench.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "notebook.stack", "--stop-with-parent"],
                cwd=PROJECT, env=environment, stdout=log, stderr=log,
            )  # fmt: skip
        try:
            yield _connected(f"http://127.0.0.1:{port}", process.pid, environment)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _connected(url: str, pid: int, environment: dict[str, str]) -> Stack:
    data_dir = Path(environment["DATA_DIR"])
    until(lambda: httpx2.get(f"{url}/healthz").is_success, seconds=120)
    given = {"username": "admin", "password": PASSWORD}
    token = httpx2.post(f"{url}/api/auth/token/", json=given, timeout=30).json()["token"]
    headers = {"Authorization": f"Token {token}"}
    api = httpx2.Client(base_url=url, timeout=120, headers=headers)
    until(lambda: all((data_dir / "run" / f"{name}.pid").exists() for name in PARTS))
    return Stack(url, psutil.Process(pid), data_dir, environment, api, token)
