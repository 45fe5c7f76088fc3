"""The client trusts no answer, tries again what may pass, and never tells a secret."""

import gzip
import json

import httpx2
import pytest
from django.conf import settings

from documents.embeddings import client as embeddings
from documents.embeddings import endpoint as embedding_endpoint
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
    monkeypatch.setattr(embeddings, "BACKOFF_SECONDS", 0.001)


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


def with_first(value):
    """An answer whose first vector holds `value` in place of one number."""

    def change(found):
        found["data"][0]["embedding"][3] = value
        return found

    return answer(good(), change)


def with_fields(**fields):
    return answer(
        good(), lambda found: {**found, "data": [{**row, **fields} for row in found["data"]]}
    )


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "reply",
    [
        answer(good()[:2]),
        answer([*good(), vector("four")]),
        answer(good(), repeated_index),
        answer([[0.0] * DIMENSIONS] * 3),
        answer([[1e-30] * DIMENSIONS] * 3),
        with_first(float("nan")),
        with_first(float("inf")),
        with_first(1e39),
        with_first(10**400),
        with_first("1.0"),
        with_first(None),
        answer([[1.0] * (DIMENSIONS - 1)] * 3),
        answer([]),
        with_fields(embedding=None),
        with_fields(embedding="not base64!"),
        with_fields(index=None),
        with_fields(index="0"),
        (200, {"Content-Type": "text/html"}, b"<html>a proxy's greeting</html>"),
        (200, JSON, b"<html>a proxy's greeting</html>"),
        (200, JSON, b"{}"),
        (200, JSON, b"[]"),
        (200, JSON, b"null"),
        (200, JSON, b""),
        (200, JSON, b'{"data": [1, 2, 3]}'),
        (200, JSON, b'{"data": {"a": 1}}'),
        (200, JSON, b"[" * 50_000),
        (200, JSON | {"Content-Encoding": "gzip"}, gzip.compress(b" " * 50_000_000)),
        (204, {}, b""),
    ],
    ids=[
        "fewer", "more", "index twice", "zero", "nearly zero", "nan", "inf", "too large for float4",
        "huge integer", "string", "null", "dimensions", "none", "no embedding", "no base64",
        "no index", "index as text", "html", "html as json", "empty object", "list", "null body",
        "no body", "no rows", "data is an object", "nested", "gzip bomb", "no content",
    ],
)  # fmt: skip
def test_an_unusable_answer_is_refused_and_not_asked_for_again_in_place(embedder, reply):
    embedder.misbehave = lambda request: reply
    with pytest.raises(EmbeddingInvalid):
        embeddings.embed_passages(TEXTS)
    assert embedder.requests == 1


def test_half_a_character_is_refused_without_a_request(embedder):
    with pytest.raises(EmbeddingRefused):
        embeddings.embed_query("\ud83d")
    assert embedder.requests == 0


@pytest.mark.parametrize(
    ("status", "error", "requests"),
    [
        (401, EmbeddingRejected, 1),
        (402, EmbeddingRejected, 1),
        (403, EmbeddingRejected, 1),
        (404, EmbeddingModelUnknown, 1),
        (400, EmbeddingRefused, 1),
        (413, EmbeddingRefused, 1),
        (408, EmbeddingUnavailable, embeddings.TRIES),
        (500, EmbeddingUnavailable, embeddings.TRIES),
        (503, EmbeddingUnavailable, embeddings.TRIES),
    ],
)
def test_each_status_has_its_error_and_only_what_may_pass_is_tried_again(
    embedder, capfd, status, error, requests
):
    embedder.misbehave = lambda request: (status, {}, b'{"error": {"message": "body-of-theirs"}}')
    with pytest.raises(error) as raised:
        embeddings.embed_passages(TEXTS)
    assert embedder.requests == requests
    assert "body-of-theirs" not in raised.value.message
    logged = capfd.readouterr().err
    assert str(status) in logged
    assert "body-of-theirs" not in logged
    assert settings.OPENAI_API_KEY not in logged


def test_a_short_trouble_passes_unnoticed(embedder):
    embedder.misbehave = lambda request: (502, {}, b"") if embedder.requests == 1 else None
    assert len(embeddings.embed_passages(TEXTS)) == 3


def test_trouble_that_names_its_end_is_not_asked_before(embedder):
    embedder.misbehave = lambda request: (503, {"Retry-After": "120"}, b"")
    with pytest.raises(EmbeddingUnavailable) as raised:
        embeddings.embed_passages(TEXTS)
    assert embedder.requests == 1
    assert raised.value.retry_after == 120


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "17"}, 17),
        ({"Retry-After": "17.5"}, 17.5),
        ({"Retry-After": "86400"}, 3600),
        (
            {
                "Retry-After": "Tue, 24 Nov 2026 10:00:30 GMT",
                "Date": "Tue, 24 Nov 2026 10:00:10 GMT",
            },
            20,
        ),
    ],
    ids=["seconds", "fraction", "a day", "date"],
)  # fmt: skip
def test_the_wait_that_the_endpoint_asks_for_is_kept(embedder, headers, seconds):
    embedder.misbehave = lambda request: (429, headers, b"{}")
    with pytest.raises(EmbeddingRateLimited) as raised:
        embeddings.embed_passages(TEXTS)
    assert embedder.requests == 1
    assert seconds - 1 < raised.value.retry_after <= seconds


@pytest.mark.parametrize(
    "value", ["", "0", "-5", "nan", "inf", "soon", "Tue, 99 Nov 2026 10:00:30 GMT"]
)
def test_a_wait_that_makes_no_sense_is_none(value):
    assert embedding_endpoint._retry_after(httpx2.Headers({"Retry-After": value})) is None
