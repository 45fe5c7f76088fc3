"""A web server that is told to stop answers the requests that it has."""

import subprocess
import sys
from contextlib import contextmanager
from functools import partial

import pytest

from notebook.stack.child import PROJECT_DIR
from notebook.stack.service import free_port
from notebook.stack.tests.stack_process import wait_until
from notebook.stack.tests.test_web import answer, connect, head, listens

# All paths but "/release" answer half, and the rest when somebody asks for "/release".
WAITING_SERVER = """
import asyncio, sys
from notebook.stack import web

released = asyncio.Event()

async def application(scope, receive, send):
    await receive()
    kind = b"text/event-stream" if scope["path"] == "/stream" else b"text/plain"
    headers = [(b"Content-Type", kind)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["path"] == "/release":
        released.set()
    else:
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        await released.wait()
    await send({"type": "http.response.body", "body": b"ended"})

web.STOP_SECONDS = float(sys.argv[2])
web.build_server(
    application, host="127.0.0.1", port=int(sys.argv[1]), max_upload_mb=2, behind_proxy=False
).run()
"""


@contextmanager
def waiting_server(stop_seconds):
    port = free_port()
    command = [sys.executable, "-c", WAITING_SERVER, str(port), str(stop_seconds)]
    with subprocess.Popen(command, cwd=PROJECT_DIR) as process:
        try:
            wait_until(lambda: listens(port))
            yield process, port
        finally:
            process.kill()


def begun(server, path):
    """A connection with the first half of an answer on it."""
    connection = connect(server)
    connection.sendall(head("Connection: close", line=f"GET {path} HTTP/1.1"))
    received = b""
    while b"begun" not in received:
        received += connection.recv(65536)
    return connection


def test_a_request_under_way_is_answered_and_no_other_taken():
    with waiting_server(60) as server:
        process, port = server
        with connect(server) as other, begun(server, "/wait") as connection:
            process.terminate()
            wait_until(lambda: not listens(port))
            other.sendall(head("Connection: close", line="GET /release HTTP/1.1"))

            assert answer(other)[0] == 200
            assert b"ended" in b"".join(iter(partial(connection.recv, 65536), b""))
        assert process.wait(30) == 0


@pytest.mark.parametrize(("path", "stop_seconds"), [("/stream", 60), ("/wait", 0.1)])
def test_a_stop_waits_for_no_stream_and_for_nothing_too_long(path, stop_seconds):
    with waiting_server(stop_seconds) as (process, port), begun((process, port), path):
        process.terminate()

        assert process.wait(30) == 0
