import base64
import http.client
import json
import signal
import socket
import threading
import time

import numpy as np
import openai
import psutil
import pytest

from notebook.stack.embedder.tests.test_tokenization import TEXTS

LONG = "The defense gave up just 308 points, ranking sixth in the league. " * 36


def vectors(response):
    return np.array([item.embedding for item in response.data], np.float32)


def request(server, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def send_raw(server, data):
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(data)
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize("model", ["e5-query", "e5-passage"])
def test_vectors_and_usage_agree_with_the_engine(server, engine, model):
    texts = [text for text in TEXTS.values() if text] + [LONG]
    is_query = model == "e5-query"
    response = server.client.embeddings.create(model=model, input=texts)
    cosines = (vectors(response) * engine.encode(texts, is_query)).sum(axis=1)
    assert cosines.min() >= 0.99
    assert cosines.mean() >= 0.995
    assert response.usage.prompt_tokens == sum(engine.token_count(text, is_query) for text in texts)


def test_vectors_are_of_length_one_and_in_the_order_of_the_texts(server):
    texts = ["short", LONG, "another text of a few words", "short"]
    together = server.client.embeddings.create(model="e5-passage", input=texts)
    assert [item.index for item in together.data] == [0, 1, 2, 3]
    np.testing.assert_allclose(np.linalg.norm(vectors(together), axis=1), 1, rtol=1e-5)
    for text, vector in zip(texts, vectors(together), strict=True):
        alone = server.client.embeddings.create(model="e5-passage", input=text)
        assert vectors(alone)[0] @ vector > 0.999


def test_base64_and_float_are_the_same_vectors(server):
    fields = {"model": "e5-query", "input": "a text"}
    answers = [
        request(server, "POST", "/v1/embeddings", json.dumps(fields | {"encoding_format": name}))
        for name in ("base64", "float")
    ]
    (in_base64, as_floats) = [body["data"][0]["embedding"] for _, body in answers]
    assert np.frombuffer(base64.b64decode(in_base64), "<f4").tolist() == as_floats


def test_the_models_are_listed(server):
    assert [model.id for model in server.client.models.list()] == ["e5-query", "e5-passage"]
    assert server.client.models.retrieve("e5-query").id == "e5-query"
    with pytest.raises(openai.NotFoundError):
        server.client.models.retrieve("gpt-4o")


def test_health_is_ok_once_it_can_embed(server):
    assert request(server, "GET", "/health") == (200, {"status": "ok"})


def test_too_long_a_text_is_a_bad_request_of_openais_shape(server):
    with pytest.raises(openai.BadRequestError) as caught:
        server.client.embeddings.create(model="e5-passage", input=["a", "b " * 8200])
    assert caught.value.body == {
        "message": "input[1] is longer than 8192 tokens.",
        "type": "invalid_request_error",
        "param": "input",
        "code": None,
    }


def test_too_many_tokens_in_all_are_a_bad_request(server):
    with pytest.raises(openai.BadRequestError, match="more than 300000 tokens"):
        server.client.embeddings.create(model="e5-passage", input=["b " * 8000] * 38)


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /health HTTP/9.9\r\n\r\n", 505),
        (b"BREW /v1/embeddings HTTP/1.1\r\n\r\n", 501),
        (b"POST /v1/embeddings HTTP/1.1\r\nConnection: close\r\n\r\n", 411),
        (b"POST /v1/embeddings HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST /v1/embeddings HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 411),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 404),
        (b"GET /health HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
    ],
)
def test_malformed_requests_get_an_error_of_openais_shape(server, data, status):
    answered, body = send_raw(server, data)
    assert answered == status
    assert set(body["error"]) == {"message", "type", "param", "code"}


def test_too_large_a_body_is_refused_and_the_answer_arrives(server):
    status, body = request(server, "POST", "/v1/embeddings", b" " * (9 * 1024 * 1024))
    assert status == 413
    assert body["error"]["message"] == "The body is larger than 8388608 bytes."


def test_a_connection_serves_many_requests(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    for path, status in (("/health", 200), ("/nothing", 404), ("/v1/models", 200)):
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        assert response.status == status
        assert not response.will_close
    connection.close()


def test_a_query_does_not_wait_for_the_passages_that_came_before(server):
    ended = {}

    def embed(name, model, texts):
        server.client.embeddings.create(model=model, input=texts)
        ended[name] = time.monotonic()

    passages = threading.Thread(target=embed, args=("passages", "e5-passage", [LONG] * 6))
    passages.start()
    for _ in range(3):
        embed("query", "e5-query", ["who defended best?"])
    passages.join()
    assert ended["query"] < ended["passages"]


def test_it_finishes_its_requests_and_exits_with_0_when_told_to(own_server):
    asked = json.dumps({"model": "e5-passage", "input": [LONG[:1000]] * 2})
    waiting = http.client.HTTPConnection("127.0.0.1", own_server.port, timeout=30)
    waiting.request("POST", "/v1/embeddings", asked)  # it is sent when this returns
    own_server.client.embeddings.create(model="e5-query", input="accepted after the passages")
    own_server.process.send_signal(signal.SIGTERM)
    answer = json.loads(waiting.getresponse().read())
    waiting.close()
    out, log = own_server.process.communicate(timeout=30)
    assert own_server.process.returncode == 0
    assert [len(found["embedding"]) for found in answer["data"]] == [384, 384]
    assert out == b""
    assert b"Traceback" not in log


def test_work_too_long_to_finish_gets_503_and_the_exit_is_still_0(own_server):
    errors = []

    def embed():
        try:
            own_server.client.embeddings.create(model="e5-passage", input=[LONG * 13] * 36)
        except openai.APIStatusError as error:
            errors.append(error.status_code)

    process = psutil.Process(own_server.process.pid)
    before = process.cpu_times().user
    waiting = threading.Thread(target=embed)
    waiting.start()
    deadline = time.monotonic() + 30
    while process.cpu_times().user < before + 0.5 and time.monotonic() < deadline:
        time.sleep(0.01)  # until it is in the middle of the work
    own_server.process.send_signal(signal.SIGINT)
    waiting.join(30)
    assert own_server.process.wait(30) == 0
    assert errors == [503]
