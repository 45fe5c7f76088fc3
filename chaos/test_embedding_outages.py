"""F44, F45: an embedding endpoint that is down, silent, slow or cut off, and then recovers."""

import socket
import struct
import threading
import time
from contextlib import contextmanager
from functools import partial
from itertools import pairwise

import pytest

from chaos.stack import text
from chaos.test_embedding import EMBEDDING, assert_paid_once, forget_the_gate
from documents.embeddings.gate import PROBE
from documents.tests.embedding_server import error
from notebook.tests.live import until

BREAKER_FAILURES, BREAKER_SECONDS, TIMEOUT_SECONDS = 5, 4, 3
PROBES = 3
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def impatient(shared_stack):
    """Short timeouts for all rows of this module."""
    if not shared_stack.is_running:
        shared_stack.start()
    with shared_stack.changed(
        EMBEDDING_BREAKER_SECONDS=str(BREAKER_SECONDS),
        EMBEDDING_TIMEOUT_SECONDS=str(TIMEOUT_SECONDS),
    ):
        yield


@pytest.fixture(autouse=True)
def fresh_gate(impatient, stack):
    forget_the_gate(stack)
    yield
    stack.embedder.reset()
    forget_the_gate(stack)


def assert_all_available(stack, client, documents):
    """All documents, without an operator, and no vector is paid for twice."""
    documents = [stack.until_done(client, document["id"]) for document in documents]
    assert {document["status"] for document in documents} == {"AVAILABLE"}
    stack.embedder.texts[:] = [each for each in stack.embedder.texts if each != PROBE]
    assert_paid_once(stack, documents)


@pytest.mark.fault("F44", bound=60)
@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_burst_of_errors_opens_the_breaker_which_closes_by_itself(stack, client, clock, status):
    """500, 502, 503 for a while: the breaker opens, only probes are sent, then all end
    AVAILABLE."""
    probed, refused = [], []

    def misbehave(request):
        (probed if PROBE in request["input"] else refused).append(time.monotonic())
        return error(status)

    stack.embedder.misbehave = misbehave
    with clock:
        documents = [stack.upload(client, f"{status}-{n}.txt", text(20)) for n in range(4)]
        until(lambda: len(probed), lambda count: count >= PROBES, seconds=50)
        stack.embedder.misbehave = lambda request: None
        assert_all_available(stack, client, documents)
    # As many as open it, and one more of each other worker's that was in flight.
    assert BREAKER_FAILURES <= len(refused) <= BREAKER_FAILURES + 2
    pauses = [later - earlier for earlier, later in pairwise(probed)]
    assert all(pause >= BREAKER_SECONDS - 0.1 for pause in pauses)
    for document in documents:
        assert stack.detail(document["task"]["id"], EMBEDDING)["losses"] == 0


@pytest.mark.fault("F44", bound=30)
def test_a_short_burst_is_not_noticed(stack, client, clock):
    """Two 503 in a row: retried in place; no failure is counted, no breaker opens."""
    stack.embedder.misbehave = lambda request: error(503) if stack.embedder.requests <= 2 else None
    with clock:
        document = stack.upload(client, "short.txt", text(20))
        assert_all_available(stack, client, [document])
    row = stack.detail(document["task"]["id"], EMBEDDING)
    assert (row["failures"], row["losses"]) == (0, 0)


# --- F45: ways to keep a client waiting, or to drop it --------------------------------------------
def hang(handler, over):
    over.wait(30)


def drip(handler, over):
    """A byte now and then: no single read takes long, all of them together forever."""
    handler.wfile.write(HEAD + b"Content-Length: 100000\r\n\r\n")
    while not over.wait(0.1):
        handler.wfile.write(b" ")


def truncate(handler, over):
    handler.wfile.write(HEAD + b'Content-Length: 1000\r\n\r\n{"object": "list", "da')


def reset(handler, over):
    handler.wfile.write(HEAD + b'Content-Length: 1000\r\n\r\n{"object"')
    handler.wfile.flush()
    # Closing with a linger of zero sends a reset.
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


@contextmanager
def doing(embedder, deed, times):
    """The first `times` requests are answered like that."""
    over = threading.Event()
    speak = partial(deed, over=over)
    embedder.misbehave = lambda request: speak if embedder.requests <= times else None
    try:
        yield
    finally:
        over.set()


@pytest.mark.fault("F45", bound=40)
@pytest.mark.parametrize("deed", [hang, drip, truncate, reset])
def test_an_answer_that_does_not_come_is_given_up_in_time(stack, client, clock, deed):
    """Hang, slow drip, truncated body, reset: timed out, requested again, AVAILABLE."""
    with doing(stack.embedder, deed, times=2), clock:
        document = stack.upload(client, f"{deed.__name__}.txt", text(20))
        assert_all_available(stack, client, [document])
        first, second, third = stack.embedder.requested[:3]
    longest = TIMEOUT_SECONDS + 5  # including the pause before the next attempt, and a busy machine
    assert max(second - first, third - second) < longest
    if deed in (hang, drip):
        assert min(second - first, third - second) >= TIMEOUT_SECONDS
    assert stack.detail(document["task"]["id"], EMBEDDING)["losses"] == 0
