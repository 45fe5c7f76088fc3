"""The client trusts no answer, tries again what may pass, and never tells a secret."""

import json

import pytest

from documents import embeddings
from documents.exceptions import (
    EmbeddingInvalid,
    EmbeddingModelUnknown,
    EmbeddingRateLimited,
    EmbeddingRefused,
    EmbeddingRejected,
    EmbeddingUnavailable,
)
from documents.tests.embedding_server import DIMENSIONS, body, vector

TEXTS = ["one", "two", "three"]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda seconds: None)


def answer(vectors, change=lambda found: found):
    found = change(body("m", vectors, as_base64=False))
    return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()


def good():
    return [vector(text) for text in TEXTS]


def reordered(found):
    found["data"].reverse()
    return found


def repeated_index(found):
    found["data"][2]["index"] = 1
    return found


def test_each_text_has_its_vector_in_order(embedder):
    found = embeddings.embed_passages(TEXTS)
    assert [len(each) for each in found] == [DIMENSIONS] * 3
    for mine, expected in zip(found, good(), strict=True):
        assert mine == pytest.approx(expected, abs=1e-6)


def test_a_reordered_answer_is_put_in_order(embedder):
    embedder.misbehave = lambda request: answer(good(), reordered)
    found = embeddings.embed_passages(TEXTS)
    assert found[0] == pytest.approx(good()[0])
    assert found[2] == pytest.approx(good()[2])


@pytest.mark.parametrize(
    "reply",
    [
        answer(good()[:2]),
        answer([*good(), vector("four")]),
        answer(good(), repeated_index),
        answer([[0.0] * DIMENSIONS] * 3),
        answer([[float("nan")] * DIMENSIONS] * 3),
        answer([[1.0] * (DIMENSIONS - 1)] * 3),
        answer([]),
        (200, {"Content-Type": "text/html"}, b"<html>a proxy's greeting</html>"),
        (200, {"Content-Type": "application/json"}, b"{}"),
        (200, {"Content-Type": "application/json"}, b"[]"),
    ],
    ids=["fewer", "more", "index", "zero", "nan", "dimensions", "none", "html", "empty", "list"],
)
def test_an_unusable_answer_is_refused_after_some_tries(embedder, reply):
    embedder.misbehave = lambda request: reply
    with pytest.raises(EmbeddingInvalid):
        embeddings.embed_passages(TEXTS)
    assert embedder.requests == embeddings.TRIES


@pytest.mark.parametrize(
    ("status", "error", "requests"),
    [
        (401, EmbeddingRejected, 1),
        (403, EmbeddingRejected, 1),
        (404, EmbeddingModelUnknown, 1),
        (400, EmbeddingRefused, 1),
        (429, EmbeddingRateLimited, 1),
        (500, EmbeddingUnavailable, embeddings.TRIES),
        (503, EmbeddingUnavailable, embeddings.TRIES),
    ],
)
def test_each_status_has_its_error_and_only_what_may_pass_is_tried_again(
    embedder, status, error, requests
):
    embedder.misbehave = lambda request: (status, {}, b'{"error": {"message": "key sk-live-1"}}')
    with pytest.raises(error) as raised:
        embeddings.embed_passages(TEXTS)
    assert embedder.requests == requests
    assert "sk-live-1" not in raised.value.message


def test_a_short_trouble_passes_unnoticed(embedder):
    embedder.misbehave = lambda request: (502, {}, b"") if embedder.requests == 1 else None
    assert len(embeddings.embed_passages(TEXTS)) == 3


def test_the_wait_that_the_endpoint_asks_for_is_kept(embedder):
    embedder.misbehave = lambda request: (429, {"Retry-After": "17"}, b"{}")
    with pytest.raises(EmbeddingRateLimited) as raised:
        embeddings.embed_passages(TEXTS)
    assert raised.value.retry_after == 17
