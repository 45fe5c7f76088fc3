"""What one worker learns of the endpoint, all know: a 429, the limits, that it is down."""

import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from documents.embeddings import client as embeddings
from documents.embeddings import gate
from documents.exceptions import (
    EmbeddingDown,
    EmbeddingInvalid,
    EmbeddingRateLimited,
    EmbeddingUnavailable,
)
from documents.tests.embedding_server import error
from tasks.exceptions import Fenced

OTHER_WORKER = """
import django; django.setup()
from documents.embeddings import client as embeddings
from documents.exceptions import EmbeddingWait
try:
    print(len(embeddings.embed_passages(["from another process"])), "vectors")
except EmbeddingWait as error:
    print(type(error).__name__, round(error.retry_after))
"""


@pytest.fixture(autouse=True)
def soon(embedder, monkeypatch):
    monkeypatch.setattr(embeddings, "BACKOFF_SECONDS", 0.001)


@pytest.fixture
def valkey(settings):
    with Redis.from_url(settings.REDIS_URL) as valkey:
        yield valkey


def other_worker():
    command = [sys.executable, "-c", OTHER_WORKER]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "notebook.settings"}
    found = subprocess.check_output(command, text=True, timeout=60, env=environment)
    return found.strip()


def age(valkey, seconds):
    """Let the endpoint have been limiting us for so long."""
    valkey.hincrby(gate._key(), "limited_since", -1000 * seconds)
    valkey.hset(gate._key(), "hold_until", 0)


def let_pass(valkey):
    """Let the breaker's time be over."""
    valkey.hset(gate._key(), "open_until", 1)


def open_breaker(embedder):
    embedder.misbehave = lambda request: error(503)
    for _ in range(2):
        with pytest.raises((EmbeddingUnavailable, EmbeddingDown)):
            embeddings.embed_passages(["one"])
    assert gate.state()["open"]


# --- The hold after a 429 ------------------------------------------------------------------------


def test_all_processes_hold_off_until_the_time_that_one_was_told(embedder):
    assert other_worker() == "1 vectors"
    embedder.misbehave = lambda request: error(429, **{"Retry-After": "600"})
    told = other_worker()
    with pytest.raises(EmbeddingRateLimited) as raised:
        embeddings.embed_passages(["from this process"])
    with pytest.raises(EmbeddingRateLimited):
        embeddings.embed_query("from this process")
    assert told == "EmbeddingRateLimited 600"
    assert 500 < raised.value.retry_after < 600
    assert 500 < gate.state()["hold"] < 600
    assert embedder.requests == 2


def test_without_a_time_the_hold_doubles_while_we_are_limited_and_a_success_ends_it(valkey):
    long_ago = 1
    for since, least, most in [(0, 0.75, 1.25), (10, 7.5, 13), (20, 15, 40), (9999, 45, 75)]:
        gate.reset()
        gate.limited(None)
        age(valkey, since)
        assert least <= gate.limited(None) <= most
    gate.answered(long_ago)  # was asked before the first 429, so it tells nothing
    age(valkey, 0)
    assert gate.limited(None) > 40
    age(valkey, 0)
    gate.answered(gate.enter(tokens=0, paid=False, urgent=False).began)
    assert gate.limited(None) < 2


def test_many_429s_at_once_are_one(valkey):
    with ThreadPoolExecutor(8) as pool:
        holds = list(pool.map(lambda _: gate.limited(None), range(16)))
    assert max(holds) < 2


def test_a_later_429_never_shortens_the_hold():
    gate.limited(100)
    assert gate.limited(3) > 90


def test_a_short_hold_is_waited_for_in_place(embedder):
    embedder.misbehave = lambda request: (
        error(429, **{"Retry-After": "1"}) if embedder.requests == 1 else None
    )
    assert len(embeddings.embed_passages(["one"])) == 1
    first, second = embedder.requested
    assert 1 <= second - first < 5


def test_an_endpoint_that_limits_on_and_on_frees_the_worker_soon(embedder):
    embedder.misbehave = lambda request: error(429, **{"Retry-After": "1"})
    began = time.monotonic()
    with pytest.raises(EmbeddingRateLimited):
        embeddings.embed_passages(["one"])
    assert time.monotonic() - began < embeddings.PATIENCE_SECONDS + 2
    assert embedder.requests <= embeddings.PATIENCE_SECONDS + 1


def test_a_stop_is_seen_while_a_hold_is_waited_for(embedder, monkeypatch):
    gate.limited(1.9)
    stop = threading.Event()
    monkeypatch.setattr(embeddings, "LOOK_SECONDS", 0.01)
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(Fenced):
        embeddings.embed_passages(["one"], should_stop=stop.is_set)
    assert embedder.requests == 0


# --- The operator's own limits -------------------------------------------------------------------


def embed_all(threads, calls, text="one"):
    def embed(_):
        while True:
            try:
                return embeddings.embed_passages([text])
            except EmbeddingRateLimited as limited:
                time.sleep(limited.retry_after)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(embed, range(calls)))


def test_requests_of_all_workers_together_keep_to_the_limit(embedder, settings):
    settings.EMBEDDING_REQUESTS_PER_MINUTE = 600
    embed_all(threads=5, calls=15)
    times = sorted(embedder.requested)
    assert times[-1] - times[0] >= 14 * 0.1 - 0.1
    assert embedder.requests == 15


def test_tokens_of_all_workers_together_keep_to_the_limit(embedder, settings):
    settings.EMBEDDING_TOKENS_PER_MINUTE = 6000
    embed_all(threads=3, calls=5, text="storm " * 30)  # 41 tokens each, 0.41 s
    times = sorted(embedder.requested)
    assert times[-1] - times[0] >= 4 * 0.41 - 0.1


def test_a_query_takes_its_share_but_waits_for_no_limit_of_ours(embedder, settings):
    settings.EMBEDDING_REQUESTS_PER_MINUTE = 1
    for _ in range(3):
        embeddings.embed_query("storm")
    with pytest.raises(EmbeddingRateLimited) as raised:
        embeddings.embed_passages(["one"])
    assert raised.value.retry_after > 120
    assert embedder.requests == 3


# --- The circuit breaker -------------------------------------------------------------------------


def test_after_five_failures_in_a_row_nobody_asks_a_dead_endpoint(embedder, settings):
    settings.EMBEDDING_BREAKER_SECONDS = 300
    embedder.misbehave = lambda request: error(503)
    with pytest.raises(EmbeddingUnavailable):
        embeddings.embed_passages(["one"])
    assert not gate.state()["open"]
    with pytest.raises(EmbeddingDown) as raised:
        embeddings.embed_passages(["one"])
    assert embedder.requests == 6  # five, and a probe with a text of our own
    assert raised.value.retry_after == 300
    assert gate.state()["open"]
    assert 200 < gate.state()["until"] <= 300
    for ask in (lambda: embeddings.embed_passages(["two"]), lambda: embeddings.embed_query("two")):
        began = time.monotonic()
        with pytest.raises(EmbeddingDown):
            ask()
        assert time.monotonic() - began < 1
    assert other_worker().startswith("EmbeddingDown")
    assert embedder.requests == 6


def test_one_prober_at_a_time_finds_out_whether_it_lives_again(embedder, valkey):
    open_breaker(embedder)
    asked = embedder.requests
    let_pass(valkey)
    probing, probed = threading.Event(), threading.Event()

    def misbehave(request):
        probing.set()
        assert probed.wait(20)

    embedder.misbehave = misbehave
    with ThreadPoolExecutor(1) as pool:
        prober = pool.submit(embeddings.embed_passages, ["one"])
        assert probing.wait(20)
        for _ in range(5):
            with pytest.raises(EmbeddingDown):
                embeddings.embed_passages(["two"])
        assert embedder.requests == asked + 1
        probed.set()
        assert len(prober.result()) == 1
    assert gate.state() == {"open": False, "until": 0, "hold": 0}
    assert embedder.texts == [gate.PROBE, "one"]


def test_a_probe_that_fails_keeps_it_open_for_as_long_again(embedder, valkey):
    open_breaker(embedder)
    asked = embedder.requests
    let_pass(valkey)
    with pytest.raises(EmbeddingDown):
        embeddings.embed_passages(["one"])
    assert embedder.requests == asked + 1
    assert gate.state()["until"] > 20


def test_a_prober_that_dies_is_succeeded(embedder, valkey):
    open_breaker(embedder)
    let_pass(valkey)
    assert gate.enter(tokens=0, paid=False, urgent=False).verdict == "probe"
    assert gate.enter(tokens=0, paid=False, urgent=False).verdict == "down"
    valkey.hset(gate._key(), "probe_until", 1)
    assert gate.enter(tokens=0, paid=False, urgent=False).verdict == "probe"


@pytest.mark.parametrize("status", [401, 404, 429])
def test_an_endpoint_that_answers_a_probe_at_all_lives(embedder, valkey, status):
    open_breaker(embedder)
    let_pass(valkey)
    embedder.misbehave = lambda request: error(status, **{"Retry-After": "9"})
    with pytest.raises(Exception, match="embedding service"):
        embeddings.embed_passages(["one"])
    assert not gate.state()["open"]


def test_one_poisonous_text_closes_the_gate_for_nobody(embedder):
    embedder.misbehave = lambda request: error(500) if "poison" in request["input"] else None
    for _ in range(5):
        with pytest.raises(EmbeddingUnavailable):
            embeddings.embed_passages(["poison"])
        assert len(embeddings.embed_query("fine")) > 0
    for _ in range(5):  # and with nobody else about
        with pytest.raises(EmbeddingUnavailable):
            embeddings.embed_passages(["poison"])
    assert not gate.state()["open"]


def test_what_is_no_answer_opens_it_too_but_counts_for_the_document(embedder):
    embedder.misbehave = lambda request: (200, {"Content-Type": "text/html"}, b"<html>")
    for _ in range(5):
        with pytest.raises(EmbeddingInvalid):
            embeddings.embed_passages(["one"])
    assert gate.state()["open"]


def test_a_wrong_vector_is_an_answer(embedder, settings):
    settings.EMBEDDING_DIMENSIONS = 3
    for _ in range(6):
        with pytest.raises(EmbeddingInvalid):
            embeddings.embed_passages(["one"])
    assert not gate.state()["open"]


def test_a_short_blip_between_successes_never_opens_it(embedder):
    embedder.misbehave = lambda request: error(503) if embedder.requests % 4 else None
    for _ in range(6):
        assert len(embeddings.embed_passages(["one"])) == 1
    assert not gate.state()["open"]


# --- Without Valkey ------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(settings, monkeypatch):
    """Valkey is now at the address that the test names."""

    def move(url):
        settings.REDIS_URL = url
        gate._valkey.cache_clear()
        gate._script.cache_clear()

    monkeypatch.setattr(gate._Away, "until", 0.0)
    monkeypatch.setattr(gate._Away, "told", False)
    home = settings.REDIS_URL
    yield move
    move(home)
    monkeypatch.undo()


def test_without_valkey_work_goes_on_and_it_is_logged_once(embedder, elsewhere, monkeypatch, capfd):
    monkeypatch.setattr(gate, "AWAY_SECONDS", 0)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and does not listen
        elsewhere(f"redis://127.0.0.1:{closed.getsockname()[1]}/0")
        for _ in range(5):
            assert len(embeddings.embed_passages(["one"])) == 1
    assert capfd.readouterr().err.count("embedding_gate_stands_open") == 1
    assert gate.state() == {"open": False, "until": 0, "hold": 0}
    embedder.misbehave = lambda request: error(429)
    with pytest.raises(EmbeddingRateLimited) as raised:
        embeddings.embed_passages(["one"])
    assert 5 <= raised.value.retry_after <= 30


def test_a_silent_valkey_is_waited_for_once(embedder, elsewhere):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        elsewhere(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        began = time.monotonic()
        for _ in range(5):
            assert len(embeddings.embed_passages(["one"])) == 1
        assert time.monotonic() - began < 3 * gate.SOCKET_SECONDS
