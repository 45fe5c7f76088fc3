"""A socket whose client does not read is sent no more, and loses nothing."""

import http.client
import os
import subprocess
import sys
import time
from contextlib import closing

import psutil
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from notebook.stack.child import PROJECT_DIR
from notebook.stack.service import free_port
from notebook.stack.tests.stack_process import wait_until
from notebook.stack.tests.test_web import listens

MB = 1024 * 1024
SIZE, COUNT = 60_000, 1500
# A socket gets many large messages; GET tells how many were sent so far.
LISTENING_SERVER = """
import sys
from notebook.stack.web import build_server

async def application(scope, receive, send):
    if scope["type"] == "http":
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"well"})
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "text": message.get("text") or "-"})

build_server(
    application, host="127.0.0.1", port=int(sys.argv[1]), max_upload_mb=2, behind_proxy=False
).run()
"""
TALKING_SERVER = f"""
import sys
from notebook.stack.web import build_server

sent = 0

async def application(scope, receive, send):
    global sent
    await receive()
    if scope["type"] == "http":
        await send({{"type": "http.response.start", "status": 200, "headers": []}})
        await send({{"type": "http.response.body", "body": str(sent).encode()}})
        return
    await send({{"type": "websocket.accept"}})
    for sent in range(1, {COUNT} + 1):
        await send({{"type": "websocket.send", "text": "x" * {SIZE}}})
    while (await receive())["type"] != "websocket.disconnect":
        pass

build_server(
    application, host="127.0.0.1", port=int(sys.argv[1]), max_upload_mb=2, behind_proxy=False
).run()
"""


@pytest.fixture
def server():
    yield from running(TALKING_SERVER)


@pytest.fixture
def listener():
    yield from running(LISTENING_SERVER)


def running(program):
    port = free_port()
    command = [sys.executable, "-c", program, str(port)]
    with subprocess.Popen(command, cwd=PROJECT_DIR) as process:
        try:
            wait_until(lambda: listens(port))
            yield psutil.Process(process.pid), port
        finally:
            process.terminate()


def sent(server):
    with closing(http.client.HTTPConnection("127.0.0.1", server[1], timeout=10)) as connection:
        connection.request("GET", "/")
        return int(connection.getresponse().read())


def settled(server):
    """How many messages were sent, once that no longer grows."""
    now, before = sent(server), -1
    while now != before:
        time.sleep(1)  # long enough for dozens of them
        now, before = sent(server), now
    return now


def test_a_client_that_does_not_read_costs_no_memory_and_gets_all_later(server):
    sent(server)
    before = server[0].memory_info().rss
    with connect(f"ws://127.0.0.1:{server[1]}/", max_queue=1) as socket:
        assert settled(server) < COUNT / 3
        assert server[0].memory_info().rss - before < 30 * MB
        assert {len(socket.recv(timeout=20)) for _ in range(COUNT)} == {SIZE}


def test_a_client_that_leaves_without_having_read_leaves_nothing(server):
    with connect(f"ws://127.0.0.1:{server[1]}/", max_queue=1, close_timeout=0.1):
        assert settled(server) < COUNT
    wait_until(lambda: sent(server) == COUNT)  # what it never asked for ends in nothing
    wait_until(lambda: not _others(server))


def _others(server):
    """Connections other than the one that is open while we ask."""
    return [each for each in server[0].net_connections() if each.status == "ESTABLISHED"]


SENDING_TO_ONE_WHO_LEAVES = """
import asyncio
from autobahn.exception import Disconnected
from notebook.stack.web import build_server

class Leaving:
    def handle_reply(self, message):
        raise Disconnected("Attempt to send on a closed protocol")

server = build_server(None, host="127.0.0.1", port=1, max_upload_mb=2, behind_proxy=False)
leaving = Leaving()
server.connections = {leaving: {}}
asyncio.run(server.handle_reply(leaving, {"type": "websocket.send", "text": "late"}))
"""


def test_a_push_to_a_client_that_is_just_leaving_is_no_error():
    command = [sys.executable, "-c", SENDING_TO_ONE_WHO_LEAVES]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "notebook.settings"}
    subprocess.run(command, cwd=PROJECT_DIR, env=environment, check=True, timeout=60)


def test_a_client_that_only_sends_is_closed_and_costs_no_memory(listener):
    process, port = listener
    before = process.memory_info().rss
    with connect(f"ws://127.0.0.1:{port}/", max_queue=1, close_timeout=1) as socket:
        assert sent_before_the_end(socket, 20_000) < 20_000
    assert process.memory_info().rss - before < 60 * MB
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"well"


def test_a_client_that_sends_much_and_reads_is_answered(listener):
    with connect(f"ws://127.0.0.1:{listener[1]}/") as socket:
        for number in range(3000):
            socket.send(str(number))
            assert socket.recv(timeout=10) == str(number)


def test_a_message_that_is_too_long_closes_with_1009(listener):
    with connect(f"ws://127.0.0.1:{listener[1]}/", max_size=None) as socket:
        socket.send("x" * 64 * 1024)
        assert len(socket.recv(timeout=10)) == 64 * 1024
        socket.send("x" * (64 * 1024 + 1))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd.code == 1009


def sent_before_the_end(socket, most):
    for number in range(most):
        try:
            socket.send("x" * SIZE)
        except ConnectionClosed:
            return number
    return most
