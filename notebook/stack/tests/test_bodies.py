"""Bodies: large ones cost no memory, slow ones end, and a full disk is answered."""

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from documents.tests.disks import small_disk
from notebook.stack.child import PROJECT_DIR
from notebook.stack.service import free_port
from notebook.stack.tests.stack_process import wait_until
from notebook.stack.tests.test_web import MB, head, listens

BODY_SECONDS = 2
LARGE = 60 * MB
# Tells the SHA-256 of every request's body, and its length by the head. `/full` does what Django
# does on a full disk, `/large` answers with much, `/breaks` fails in the midst of its answer.
HASHING_SERVER = f"""
import errno, hashlib, sys, tempfile
from notebook.stack.bodies import BoundedRequest
from notebook.stack.web import build_server

async def application(scope, receive, send):
    if scope["path"] == "/full":
        raise OSError(errno.ENOSPC, "No space left on device")
    digest, more = hashlib.sha256(), True
    while more:
        message = await receive()
        digest.update(message["body"])
        more = message["more_body"]
    told = [(b"X-Length", value) for name, value in scope["headers"] if name == b"content-length"]
    await send({{"type": "http.response.start", "status": 200, "headers": told}})
    if scope["path"] == "/breaks":
        await send({{"type": "http.response.body", "body": b"half", "more_body": True}})
        raise RuntimeError("of a test")
    for _ in range({LARGE // MB} if scope["path"] == "/large" else 0):
        await send({{"type": "http.response.body", "body": bytes({MB}), "more_body": True}})
    await send({{"type": "http.response.body", "body": digest.hexdigest().encode()}})

tempfile.tempdir = sys.argv[2]
BoundedRequest.body_seconds = {BODY_SECONDS}
build_server(
    application, host="127.0.0.1", port=int(sys.argv[1]), max_upload_mb=60, behind_proxy=False
).run()
"""


@contextmanager
def serving(folder):
    port = free_port()
    arguments = [sys.executable, "-c", HASHING_SERVER, str(port), str(folder)]
    with subprocess.Popen(arguments, cwd=PROJECT_DIR) as process:
        try:
            wait_until(lambda: listens(port))
            yield psutil.Process(process.pid), port
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("incoming")) as found:
        yield found


def connect(server):
    return socket.create_connection(("127.0.0.1", server[1]), timeout=10)


def all_of(connection):
    return b"".join(iter(lambda: connection.recv(65536), b""))


def send(server, content, *, target="/api/documents/", pieces=MB):
    """Status and body of the answer to one request."""
    first = head("Connection: close", f"Content-Length: {len(content)}")
    with connect(server) as connection:
        connection.sendall(first.replace(b"/api/documents/", target.encode()))
        for start in range(0, len(content), pieces):
            connection.sendall(content[start : start + pieces])
        status, _, rest = all_of(connection).partition(b"\r\n")
    return int(status.split()[1]), rest.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("length", [0, 1, 65_536, 128 * 1024, 128 * 1024 + 1, 3 * MB])
def test_the_application_gets_the_very_bytes(server, length):
    content = os.urandom(length)
    status, body = send(server, content)
    assert status == 200
    assert hashlib.sha256(content).hexdigest().encode() in body


def test_the_application_is_told_the_length_of_a_body_that_comes_in_chunks(server):
    """Django takes a body for as long as its head says, and for empty if that says nothing."""
    with connect(server) as connection:
        connection.sendall(head("Connection: close", "Transfer-Encoding: chunked"))
        for piece in (b"abc", b"defgh"):
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")
        said = all_of(connection)
    assert b"\r\nX-Length: 8\r\n" in said
    assert hashlib.sha256(b"abcdefgh").hexdigest().encode() in said


def test_the_answer_to_a_head_is_a_head_however_long_the_body_would_be(server):
    """What came after it would be taken for the answer to the next request."""
    asked = head(line="HEAD /large HTTP/1.1", by=None)
    with connect(server) as connection:
        connection.sendall(asked + head("Connection: close", line="GET /small HTTP/1.1", by=None))
        first, second, body = all_of(connection).split(b"\r\n\r\n", 2)
    assert first.startswith(b"HTTP/1.1 200 OK")
    assert second.startswith(b"HTTP/1.1 200 OK")
    assert hashlib.sha256().hexdigest().encode() in body


def test_a_form_is_not_taken_apart_on_the_way(server):
    """Twisted would parse it, in memory, for an attribute that nobody reads."""
    content = b"not a form at all" * 10
    kind = "Content-Type: multipart/form-data; boundary=x"
    with connect(server) as connection:
        connection.sendall(head("Connection: close", kind, f"Content-Length: {len(content)}"))
        connection.sendall(content)
        assert b" 200 " in all_of(connection)


def test_large_bodies_at_the_same_time_cost_no_memory(server):
    before, content, answers = server[0].memory_info().rss, bytes(30 * MB), []
    threads = [
        threading.Thread(target=lambda: answers.append(send(server, content))) for _ in range(3)
    ]
    highest = 0
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        highest = max(highest, server[0].memory_info().rss)
        threads[0].join(0.02)
    assert [status for status, _ in answers] == [200] * 3
    assert highest - before < 30 * MB


def test_stalled_and_dripping_clients_are_ended_and_stop_nobody(server):
    connections = [connect(server) for _ in range(100)]
    started = time.monotonic()
    for connection in connections:
        connection.sendall(head("Content-Length: 1000000") + b"abc")
    assert send(server, b"of somebody else")[0] == 200
    dripping, ended = connections[0], []
    dripping.settimeout(0.2)
    while not ended and time.monotonic() < started + 20:
        try:
            dripping.sendall(b"x")
            ended = [dripping.recv(1)]
        except TimeoutError:
            continue
        except ConnectionError:
            ended = [b""]
    assert ended == [b""]
    for connection in connections[1:]:
        with connection, pytest.raises(ConnectionResetError):
            connection.recv(1)
    dripping.close()
    assert BODY_SECONDS <= time.monotonic() - started < BODY_SECONDS + 10


def test_a_full_disk_is_answered_while_the_body_arrives(tmp_path):
    with small_disk(tmp_path / "disk", megabytes=2) as disk, serving(disk) as server:
        status, body = send(server, bytes(20 * MB))
        assert (status, json.loads(body)["code"]) == (507, "storage_full")
        assert send(server, bytes(MB))[0] == 200
        assert list(Path(disk).iterdir()) == []


def test_a_full_disk_that_the_application_meets_is_the_same_problem(server):
    status, body = send(server, b"abc", target="/full")
    assert status == 507
    assert b'"storage_full"' in body


def test_a_client_that_reads_slowly_costs_no_memory_and_gets_all(server):
    before = server[0].memory_info().rss
    request = b"GET /large HTTP/1.0\r\n\r\n"
    with connect(server) as slow, connect(server) as gone:
        for connection in (slow, gone):
            connection.sendall(request)
            assert connection.recv(1)
        assert send(server, b"of somebody else")[0] == 200
        assert server[0].memory_info().rss - before < 30 * MB
        gone.close()
        response = all_of(slow)
    assert len(response) > LARGE
    assert response.endswith(hashlib.sha256().hexdigest().encode())


def test_an_answer_that_fails_in_its_midst_breaks_off_and_so_does_the_next(server):
    for _ in range(2):
        with connect(server) as connection:
            connection.sendall(b"GET /breaks HTTP/1.1\r\nHost: here\r\n\r\n")
            with pytest.raises(ConnectionResetError):
                all_of(connection)
    assert send(server, b"of somebody else")[0] == 200
