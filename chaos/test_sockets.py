"""F60, F61: the channel layer loses and reorders, clients stop reading, crowds watch one task."""

import asyncio
import json
import subprocess
import sys
import threading
from contextlib import contextmanager

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from chaos.outages import frozen, timed
from chaos.stack import text
from chaos.test_broker import held, until_available
from chaos.watcher import TERMINAL, Watcher
from notebook.tests.live import PROJECT, until

MB = 2**20
EMBEDDING = "EMBEDDING_GENERATION"


# --- F60 ------------------------------------------------------------------------------------------
@pytest.mark.fault("F60", bound=60)
def test_a_layer_that_drops_repeats_and_shuffles_shows_the_truth(stack, clock, rng):
    """30 % of all pushes lost, 20 % duplicated, all reordered: every client ends with the truth."""
    seed = str(rng.random())
    with stack.changed(CHAOS_LOSSY_LAYER=seed), stack.client() as client, clock:
        documents = [stack.upload(client, f"lossy-{n}.txt", text(20)) for n in range(6)]
        with Crowd(stack, "/ws/tasks/", 3) as everything:
            watchers = [Watcher(stack, client, document) for document in documents]
            for watcher in watchers:
                watcher.__enter__()
            try:
                until_available(stack, client, documents)
                for watcher in watchers:
                    watcher.finish()
            finally:
                for watcher in watchers:
                    watcher.__exit__()
            ids = {document["task"]["id"] for document in documents}
            until(lambda: everything.behind(ids), lambda behind: not behind, seconds=20)
        for seen in everything.seen:
            assert_only_forward(seen, ids)


def assert_only_forward(seen, ids):
    for task_id in ids:
        numbers = [snapshot["seq"] for snapshot in seen if snapshot["task_id"] == task_id]
        assert numbers == sorted(set(numbers)), numbers


# --- F61 ------------------------------------------------------------------------------------------
class Crowd:
    """Many sockets on one path, all of them read in a separate thread."""

    def __init__(self, stack, path, size):
        self.seen = [[] for _ in range(size)]
        self.closed = []  # close codes of those that were closed before the end
        self._url = stack.url.replace("http", "ws") + path
        self._subprotocols = ["notebook.v1", f"token.{stack.tokens[stack.username]}"]
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self):
        self._thread.start()
        until(lambda: self.answered, lambda answered: answered == len(self.seen), seconds=90)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    @property
    def answered(self):
        return sum(bool(seen) for seen in self.seen)

    @property
    def finished(self):
        return sum(bool(seen) and seen[-1]["status"] in TERMINAL for seen in self.seen)

    def behind(self, task_ids):
        """Sockets that have not yet received the end of all these tasks."""
        return [
            seen
            for seen in self.seen
            if task_ids - {each["task_id"] for each in seen if each["status"] in TERMINAL}
        ]

    async def _run(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        gate = asyncio.Semaphore(20)  # at most so many handshakes at a time
        readers = [asyncio.create_task(self._read(seen, gate)) for seen in self.seen]
        await self._stop.wait()
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)

    async def _read(self, seen, gate):
        async with gate:
            socket = await connect(
                self._url, subprotocols=self._subprotocols, open_timeout=60, ping_interval=None
            )
            seen.append(json.loads(await socket.recv()))
        try:
            while True:
                seen.append(json.loads(await socket.recv()))
        except ConnectionClosed as closed:
            self.closed.append(closed.rcvd and closed.rcvd.code)
        finally:
            await socket.close()


@contextmanager
def deaf(stack, path):
    """A socket that reads nothing after its first snapshot, though its connection stays open."""
    url = stack.url.replace("http", "ws") + path
    subprotocols = ["notebook.v1", f"token.{stack.tokens[stack.username]}"]
    stop = threading.Event()
    joined = threading.Event()

    async def sit():
        # Its queue holds one message; then TCP's flow control makes the server wait.
        async with connect(url, subprotocols=subprotocols, max_queue=1, ping_interval=None) as it:
            await it.recv()
            it.transport.pause_reading()
            joined.set()
            await asyncio.to_thread(stop.wait)
            it.transport.abort()

    thread = threading.Thread(target=lambda: asyncio.run(sit()), daemon=True)
    thread.start()
    assert joined.wait(30)
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def fatten(stack, task_id, size):
    """Give a task's first step details of so many bytes, so that each snapshot is as large."""
    query = """
        UPDATE tasks_taskdetail SET details = jsonb_build_object('note', repeat('x', %s))
        WHERE task_id = %s AND step_order = 1"""
    with stack.database() as db:
        db.execute(query, [size, task_id])


def storm(stack, task_id, count):
    command = [sys.executable, "-m", "chaos.storm", task_id, str(count)]
    environment = stack.environment | stack.runtime
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, timeout=240)


def memory(stack):
    return stack.process("web").memory_info().rss


@pytest.mark.fault("F61", bound=240)
def test_a_reader_that_stops_reading_costs_no_memory_and_no_time(stack, client, clock):
    """One socket stops reading while a thousand large snapshots come: others are not affected."""
    count, size = 1000, 40_000
    with frozen(stack, "worker"):
        document = stack.upload(client, "storm.txt", text(1))
        task_id, path = document["task"]["id"], document["task"]["socket"]
        fatten(stack, task_id, size)
        with Crowd(stack, path, 1) as reader, deaf(stack, path), clock:
            storm(stack, task_id, 50)  # one-time allocations are done
            before = memory(stack)
            storm(stack, task_id, count)
            grown = memory(stack) - before
            answer, seconds = timed(client.get, "/api/documents/")
            assert (answer.status_code, seconds < 2) == (200, True), seconds
            with stack.database() as db:
                last = db.execute("SELECT seq FROM tasks_task WHERE id = %s", [task_id])
                last = last.fetchone()[0]
            until(lambda: reader.seen[0][-1]["seq"], lambda seq: seq >= last, seconds=30)
            assert_only_forward(reader.seen[0], {task_id})
            assert grown < count * size / 3, f"{grown / MB:.0f} MB"
    until_available(stack, client, [document])


@pytest.mark.fault("F61", bound=120)
def test_hundreds_of_sockets_on_one_task_all_see_its_end(stack, clock):
    """300 sockets on one task: each ends with the last snapshot, memory stays bounded."""
    crowd_size = 300
    with stack.changed(SOCKETS_PER_USER=str(crowd_size + 10)), stack.client() as client:
        with held(stack.embedder) as hold:
            warm = stack.upload(client, "warm.txt", text(1))
            document = stack.upload(client, "crowd.txt", text(40))
            stack.until_step(document["task"]["id"], EMBEDDING, "RUNNING")
            before = memory(stack)
            with clock, Crowd(stack, document["task"]["socket"], crowd_size) as crowd:
                hold.set()
                until_available(stack, client, [warm, document])
                until(lambda: crowd.finished, lambda done: done == crowd_size, seconds=30)
                assert memory(stack) - before < crowd_size * MB / 2
                answer, seconds = timed(client.get, "/api/documents/")
                assert (answer.status_code, seconds < 2) == (200, True), seconds
            assert not crowd.closed
            for seen in crowd.seen:
                assert_only_forward(seen, {document["task"]["id"]})
        until(lambda: len(web_sockets(stack)), lambda left: left <= 4, seconds=30)


def web_sockets(stack):
    """Connections from clients to web."""
    port = int(stack.url.rpartition(":")[2])
    found = stack.process("web").net_connections()
    return [each for each in found if each.raddr and each.laddr.port == port]
