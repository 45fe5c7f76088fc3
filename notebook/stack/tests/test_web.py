"""Bodies too large are refused while they arrive, by Daphne itself."""

import json
import socket
import subprocess
import sys

import psutil
import pytest

from notebook.stack.child import PROJECT_DIR
from notebook.stack.service import free_port
from notebook.stack.tests.stack_process import wait_until

MB = 1024 * 1024
# Answers every request with the length of its body; bodies may have 2 MB (and 1 MB of form).
COUNTING_SERVER = """
import sys
from notebook.stack.web import build_server

async def application(scope, receive, send):
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message["body"]), message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})

build_server(
    application, host="127.0.0.1", port=int(sys.argv[1]), max_upload_mb=2, behind_proxy=False
).run()
"""
PROBLEM = {
    "type": "about:blank",
    "title": "Request Entity Too Large",
    "status": 413,
    "detail": "The file is larger than 2 MB.",
    "code": "file_too_large",
}


TOO_LARGE = PROBLEM | {
    "detail": "The request is too large.",
    "code": "request_too_large",
}
NO_UPLOADS = [
    {"by": None},
    {"by": "Cookie: csrftoken=x; sessionid="},
    {"line": "POST /api/documents/plan/ HTTP/1.1", "by": None},
    {"line": "PUT /api/documents/ HTTP/1.1"},
    *(
        {"line": f"POST {path} HTTP/1.1"}
        for path in ("/", "/healthz", "/api/search/", "/login/", "/api/documents/x/", "/admin/")
    ),
]


@pytest.fixture(scope="module")
def server():
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-c", COUNTING_SERVER, str(port)], cwd=PROJECT_DIR
    ) as process:
        try:
            wait_until(lambda: listens(port))
            yield psutil.Process(process.pid), port
        finally:
            process.terminate()


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def connect(server):
    return socket.create_connection(("127.0.0.1", server[1]), timeout=10)


def head(*headers, line="POST /api/documents/ HTTP/1.1", by="Authorization: Token x"):
    """Of an upload by a program, if nothing else is said."""
    signed_in = [by] if by else []
    return "\r\n".join([line, "Host: x", *signed_in, *headers, "", ""]).encode()


def answer(connection):
    """Status and body of the only response on a connection, which then is at its end."""
    response = b""
    while more := connection.recv(65536):
        response += more
    first, _, body = response.partition(b"\r\n\r\n")
    return int(first.split()[1]), body


@pytest.mark.parametrize("length", [0, 1, 3 * MB])
def test_a_body_within_the_limit_reaches_the_application(server, length):
    with connect(server) as connection:
        connection.sendall(head("Connection: close", f"Content-Length: {length}") + bytes(length))
        status, body = answer(connection)

    assert status == 200
    assert str(length).encode() in body


def test_a_declared_length_over_the_limit_is_refused_before_any_byte_is_sent(server):
    with connect(server) as connection:
        connection.sendall(head(f"Content-Length: {3 * MB + 1}", "Expect: 100-continue"))
        status, body = answer(connection)

    assert (status, json.loads(body)) == (413, PROBLEM)


def test_an_undeclared_length_is_refused_as_soon_as_the_limit_is_passed(server):
    chunk = b"%x\r\n" % MB + bytes(MB) + b"\r\n"
    with connect(server) as connection:
        connection.sendall(head("Transfer-Encoding: chunked") + 3 * chunk)
        connection.sendall(b"1\r\nx\r\n")
        status, body = answer(connection)

    assert (status, json.loads(body)) == (413, PROBLEM)


@pytest.mark.parametrize("request_of", NO_UPLOADS, ids=str)
def test_what_is_no_upload_of_somebody_signed_in_may_not_be_large(server, request_of):
    with connect(server) as connection:
        connection.sendall(head(f"Content-Length: {2 * MB + 1}", **request_of))
        declared = answer(connection)
    chunk = b"%x\r\n" % MB + bytes(MB) + b"\r\n"
    with connect(server) as connection:
        connection.sendall(head("Transfer-Encoding: chunked", **request_of) + 2 * chunk)
        connection.sendall(b"1\r\nx\r\n")
        undeclared = answer(connection)
    for status, body in (declared, undeclared):
        assert (status, json.loads(body)) == (413, TOO_LARGE)


@pytest.mark.parametrize(
    "request_of",
    [
        {"by": "Cookie: csrftoken=x; sessionid=y"},
        {"line": "POST /api/documents/plan/?x=1 HTTP/1.1"},
    ],
    ids=str,
)
def test_uploads_from_the_page_and_plans_may_be_large(server, request_of):
    with connect(server) as connection:
        length = f"Content-Length: {3 * MB}"
        connection.sendall(head("Connection: close", length, **request_of) + bytes(3 * MB))
        status, body = answer(connection)
    assert status == 200
    assert str(3 * MB).encode() in body


def test_a_small_request_of_nobody_reaches_the_application(server):
    said = head("Connection: close", f"Content-Length: {2 * MB}", by=None)
    with connect(server) as connection:
        connection.sendall(said + bytes(2 * MB))
        status, body = answer(connection)
    assert status == 200
    assert str(2 * MB).encode() in body


def test_a_client_that_sends_on_still_reads_the_answer_and_costs_no_memory(server):
    before = server[0].memory_info().rss
    with connect(server) as connection:
        connection.sendall(head(f"Content-Length: {200 * MB}"))
        for _ in range(200):
            connection.sendall(bytes(MB))
        status, body = answer(connection)

    assert (status, json.loads(body)) == (413, PROBLEM)
    assert server[0].memory_info().rss - before < 50 * MB


def test_the_server_does_not_tell_its_name(server):
    with connect(server) as connection:
        connection.sendall(head("Connection: close", "Content-Length: 0"))
        assert b"server:" not in connection.recv(65536).lower()
