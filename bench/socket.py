"""Delay of the live view: ``python -m bench.socket``.

A whole stack, and beside its web server (daphne with our limits) a second one, uvicorn with the
same application; both are measured in turns. Tasks are moved by the product's own services in this
process, as a worker does; the clients are another process. The delay is from the commit of a change
to its arrival at a client, by the clock of the same machine.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import django
import httpx2
import psutil

from bench.program import Program
from bench.stack import running_stack
from bench.vectors import embedding_stub, until
from notebook.stack.service import free_port

CHANGES, CHANGES_PER_SECOND = 100, 5  # the product's own pace: at most five a second per task
TASKS, WATCHERS_OF_EACH, ROUNDS_OF_ALL = 50, 10, 20
SETTLE_SECONDS = 6  # sockets compare with Postgres every five


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.socket", description=__doc__)
    parser.add_argument("--sockets", type=int, nargs="+", default=[1, 100, 500])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    os.environ |= {"SOCKETS_PER_USER": "100000", "LOG_LEVEL": "ERROR", "TASK_LEASE_SECONDS": "3600"}
    with (
        embedding_stub(384) as url,
        running_stack(embedding_url=url, dimensions=384, workers=1) as stack,
    ):
        variables = json.loads((stack.data_dir / "runtime.json").read_text())
        os.environ |= variables | {"DATA_DIR": str(stack.data_dir),
                                   "DJANGO_SETTINGS_MODULE": "notebook.settings"}  # fmt: skip
        django.setup()
        with uvicorn() as (address, process):
            servers = {"daphne": (stack.url, stack.part("web")), "uvicorn": (address, process)}
            clients = Program(Path(sys.executable), "bench.socket_clients", stack.token)
            for name, (at, web) in servers.items():
                _print_many(name, at, web, clients)
            _print_delays(servers, clients, options.sockets, options.rounds)
            clients.close()


@contextmanager
def uvicorn() -> Iterator[tuple[str, psutil.Process]]:
    port = free_port()
    command = ["-m", "uvicorn", "notebook.asgi:application", "--port", str(port)]
    process = subprocess.Popen([sys.executable, *command, "--log-level", "error"])
    try:
        until(lambda: httpx2.get(f"http://127.0.0.1:{port}/healthz").is_success, seconds=60)
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def _print_delays(
    servers: dict[str, tuple[str, Any]], clients: Program, sizes: Sequence[int], rounds: int
) -> None:
    print("| sockets of one task | server | median | p95 | the last client, median | p95 |")
    print("|---|---|---|---|---|---|")
    for count in sizes:
        found: dict[str, list[list[float]]] = {name: [] for name in servers}
        for _ in range(rounds):
            for name, (url, _web) in servers.items():
                found[name] += _delays(url, clients, count)
        for name, changes in found.items():
            each, last = [d for change in changes for d in change], [max(c) for c in changes]
            print(f"| {count} | {name} | {_both(each)} | {_both(last)} |")


def _both(milliseconds: Sequence[float]) -> str:
    p95 = statistics.quantiles(milliseconds, n=20)[-1]
    return f"{statistics.median(milliseconds):.1f} ms | {p95:.1f} ms"


def _delays(url: str, clients: Program, count: int) -> list[list[float]]:
    """For each change, the milliseconds until each client received it."""
    task = MovedTask()
    clients.ask({"open": [task.socket(url)] * count})
    for _ in range(CHANGES):
        task.change()
        time.sleep(1 / CHANGES_PER_SECOND)
    task.end()
    time.sleep(1)
    arrivals: dict[int, list[float]] = {seq: [] for seq in task.committed}
    for seen in clients.ask({"collect": True}).answer:
        for _, seq, _, at in seen:
            if seq in arrivals:
                arrivals[seq].append(1000 * (at - task.committed[seq]))
    clients.ask({"close": True})
    lost = count * len(arrivals) - sum(map(len, arrivals.values()))
    if lost:
        print(f"({lost} of {count * len(arrivals)} pushes were skipped)", file=sys.stderr)
    return [delays for delays in arrivals.values() if delays]


def _print_many(name: str, url: str, web: psutil.Process, clients: Program) -> None:
    """Fifty tasks that change at the same time, each watched by ten sockets."""
    tasks = [MovedTask() for _ in range(TASKS)]
    before = web.memory_info().rss
    clients.ask({"open": [task.socket(url) for task in tasks for _ in range(WATCHERS_OF_EACH)]})
    opened, cpu, started = web.memory_info().rss, web.cpu_times(), time.perf_counter()
    for _ in range(ROUNDS_OF_ALL):
        for task in tasks:
            task.change()
    for task in tasks:
        task.end()
    seconds = time.perf_counter() - started
    time.sleep(SETTLE_SECONDS)
    used = web.cpu_times().user + web.cpu_times().system - cpu.user - cpu.system
    after, many = web.memory_info().rss, TASKS * WATCHERS_OF_EACH
    seen = clients.ask({"collect": True}).answer
    clients.ask({"close": True})
    last = {str(task.id): task.seq for task in tasks}
    right = sum(each[-1][1] == last[each[-1][0]] and each[-1][2] == "FAILED" for each in seen)
    back = sum(a[1] >= b[1] for each in seen for a, b in pairwise(each))
    print(
        f"{name}: {many} sockets, {TASKS} tasks, {TASKS * (ROUNDS_OF_ALL + 1)} changes in"
        f" {seconds:.1f} s:"
        f" {right} ended with the right snapshot, seq went back {back} times; {used:.1f} s of the"
        f" processor; memory {(opened - before) / many / 1024:.0f} KB a socket when opened,"
        f" {(after - before) / many / 1024:.0f} KB after the last change"
    )


class MovedTask:
    """A running task without a document, moved from here and not by a worker."""

    def __init__(self) -> None:
        from django.contrib.auth import get_user_model
        from django.db import transaction

        from tasks import services

        owner = get_user_model().objects.get()
        with transaction.atomic():  # so that no worker receives it
            task = services.start(
                pipeline="document", owner_id=owner.pk, document_id=None, options={}
            )
            detail = services.dispatch(task.pk, 1, worker="bench")
        assert detail
        self.id, self._detail = task.pk, detail
        detail.task.refresh_from_db()
        self.seq = detail.task.seq
        self.committed: dict[int, float] = {}  # seq -> time

    def socket(self, url: str) -> str:
        return f"{url.replace('http', 'ws')}/ws/tasks/{self.id}/"

    def change(self) -> None:
        from tasks import services

        percent = min(99, self._detail.progress + 1)
        self._commit(lambda: services.report(self._detail, percent, {}))

    def end(self) -> None:
        from tasks import services
        from tasks.exceptions import StepError

        self._commit(lambda: services.fail(self._detail, StepError()))

    def _commit(self, move: Any) -> None:
        from django.db import transaction

        self.seq += 1
        seq = self.seq
        with transaction.atomic():
            transaction.on_commit(lambda: self.committed.__setitem__(seq, time.time()))
            move()


if __name__ == "__main__":
    main()
