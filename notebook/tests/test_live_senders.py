"""Large bodies on the real server: taken from who is signed in, and from nobody else."""

import json
import socket
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx2
import pytest

from notebook.stack.tests.test_web import MB, answer, head

pytestmark = pytest.mark.live
LARGE = 3 * MB
MAKE_DAN = (
    "from django.contrib.auth.models import User as u;"
    " u.objects.filter(username='dan').delete(); u.objects.create_user('dan', password='pw-of-dan')"
)
LET_DAN_GO = (
    "from django.contrib.auth.models import User as u;"
    " u.objects.filter(username='dan').update(is_active=False)"
)
UNKNOWN = [
    ("Authorization: Token " + "0" * 64, "authentication_failed"),
    ("Authorization: Token", "authentication_failed"),
    ("Authorization: Token é%00", "authentication_failed"),
    ("Authorization: Basic YWRtaW46eA==", "not_authenticated"),
    ("Cookie: sessionid=" + "a" * 32, "not_authenticated"),
    ("Cookie: sessionid=x", "not_authenticated"),
]


def connect(live_stack):
    address = urlsplit(live_stack.url)
    return socket.create_connection((address.hostname, address.port), timeout=20)


def refused(live_stack, signed_in, *headers, body=b""):
    """The problem that a large upload is answered with, of which only `body` is sent."""
    with connect(live_stack) as connection:
        connection.sendall(head("Connection: close", *headers, by=signed_in) + body)
        status, said = answer(connection)
    problem = json.loads(said)
    assert (status, problem["status"], problem["title"]) == (401, 401, "Unauthorized")
    return problem["code"]


@pytest.mark.parametrize(("signed_in", "code"), UNKNOWN)
@pytest.mark.parametrize("path", ["/api/documents/", "/api/documents/plan/"])
def test_who_is_unknown_is_refused_before_the_body(live_stack, path, signed_in, code):
    line = {"line": f"POST {path} HTTP/1.1", "by": signed_in}
    with connect(live_stack) as connection:
        connection.sendall(head(f"Content-Length: {LARGE}", "Expect: 100-continue", **line))
        response = connection.makefile("rb").read()
    first, _, said = response.partition(b"\r\n\r\n")
    while first.startswith(b"HTTP/1.1 100"):
        first, _, said = said.partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert b"\r\nWWW-Authenticate: Token" in first
    assert json.loads(said)["code"] == code
    small = head("Connection: close", "Content-Length: 0", **line).replace(
        b"Host: x", b"Host: localhost"
    )
    with connect(live_stack) as connection:
        connection.sendall(small)
        status, said = answer(connection)
    assert (status, json.loads(said)["code"]) == (401, code)


def test_who_is_unknown_is_refused_where_a_body_of_no_told_length_becomes_large(live_stack):
    chunk = b"%x\r\n" % MB + bytes(MB) + b"\r\n"
    body = 2 * chunk + b"1\r\nx\r\n"
    assert refused(live_stack, UNKNOWN[0][0], "Transfer-Encoding: chunked", body=body) == (
        "authentication_failed"
    )


def test_who_is_let_go_is_refused_though_the_token_is_there(live_stack):
    live_stack.manage("shell", "-c", MAKE_DAN)
    with live_stack.client("dan", "pw-of-dan") as dan:
        assert upload(dan).status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        live_stack.manage("shell", "-c", LET_DAN_GO)
        token = dan.headers["Authorization"]
    length = f"Content-Length: {LARGE}"
    assert refused(live_stack, f"Authorization: {token}", length) == "authentication_failed"


def upload(client, **more):
    """What the application answers of a file that is none of ours."""
    return client.post("/api/documents/", files={"file": ("a.bin", bytes(LARGE))}, **more)


def in_pieces():
    """The form of such an upload, whose length nobody tells beforehand."""
    yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    yield from [bytes(MB)] * 3
    yield b"\r\n--b--\r\n"


def test_a_program_and_a_browser_that_are_signed_in_are_let_through(live_stack):
    with live_stack.client() as program:
        assert upload(program).status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        undeclared = program.post("/api/documents/", content=in_pieces(), headers=kind)
        assert undeclared.status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    with httpx2.Client(base_url=live_stack.url, timeout=30) as browser:
        page = browser.get("/login/").text
        marker = 'name="csrfmiddlewaretoken" value="'
        token = page.partition(marker)[2].partition('"')[0]
        given = {"username": live_stack.username, "password": live_stack.password}
        browser.post("/login/", data={**given, "csrfmiddlewaretoken": token})
        assert upload(browser).json()["code"] == "csrf_failed"
        sent = {"X-CSRFToken": browser.cookies["csrftoken"], "Referer": live_stack.url}
        assert upload(browser, headers=sent).status_code == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
