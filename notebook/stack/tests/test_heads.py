"""Heads of requests that are dripped: their connections end, and others are served meanwhile."""

import subprocess
import sys
import time

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from notebook.stack.child import PROJECT_DIR
from notebook.stack.heads import IDLE_SECONDS, BoundedChannel
from notebook.stack.service import free_port
from notebook.stack.tests.stack_process import wait_until
from notebook.stack.tests.test_web import COUNTING_SERVER, answer, connect, head, listens

MOST_SECONDS = 30
SERVER = f"""
from notebook.stack.heads import BoundedChannel
BoundedChannel.idle_seconds = 2
{COUNTING_SERVER}"""
FIRST = b"GET / HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def server():
    port = free_port()
    command = [sys.executable, "-c", SERVER, str(port)]
    with subprocess.Popen(command, cwd=PROJECT_DIR) as process:
        try:
            wait_until(lambda: listens(port))
            yield process, port
        finally:
            process.terminate()


def is_ended_while_it_drips(connection, piece):
    connection.settimeout(0.2)
    deadline = time.monotonic() + MOST_SECONDS
    while time.monotonic() < deadline:
        try:
            connection.sendall(piece)
            if connection.recv(65536) == b"":
                return True
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


@pytest.mark.parametrize(
    ("before", "piece"),
    [
        (b"", b"G"),
        (FIRST, b"X: y\r\n"),
        (FIRST + b"X: ", b"y"),
        (FIRST + b"\r\n", b"G"),  # of the next request
    ],
)
def test_a_head_that_drips_ends(server, before, piece):
    with connect(server) as connection:
        connection.sendall(before)
        assert is_ended_while_it_drips(connection, piece)
    with connect(server) as other:
        other.sendall(head("Connection: close", "Content-Length: 0"))
        assert answer(other)[0] == 200


class Gathered:
    """What a channel needs of a request."""

    def __init__(self, *_):
        self.requestHeaders = self
        self.received = b""

    def getRawHeaders(self, _name):  # noqa: N802 - Twisted's names
        return None

    def addRawHeader(self, *_):  # noqa: N802
        pass

    def parseCookies(self):  # noqa: N802
        pass

    def gotLength(self, _length):  # noqa: N802
        pass

    def handleContentChunk(self, data):  # noqa: N802
        self.received += data


@pytest.fixture
def channel():
    channel, clock = BoundedChannel(), Clock()
    channel.callLater, channel.requestFactory = clock.callLater, Gathered
    channel.makeConnection(StringTransport())
    return channel, clock


def test_the_time_of_a_head_is_no_part_of_the_bodys(channel):
    """A body that goes on is let in for as long as `body_seconds`, which is another limit."""
    channel, clock = channel
    clock.advance(IDLE_SECONDS - 1)
    channel.dataReceived(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n")
    channel.dataReceived(b"\r\n")
    for _ in range(2):
        clock.advance(IDLE_SECONDS - 1)
        channel.dataReceived(b"x")
    assert not channel.transport.disconnecting
    assert channel.requests[0].received == b"xx"
    clock.advance(IDLE_SECONDS)
    assert channel.transport.disconnecting


def test_a_head_that_is_not_whole_in_time_ends(channel):
    channel, clock = channel
    for _ in range(IDLE_SECONDS // 20):
        assert not channel.transport.disconnecting
        clock.advance(19)
        channel.dataReceived(b"G")
    clock.advance(3)
    assert channel.transport.disconnecting
