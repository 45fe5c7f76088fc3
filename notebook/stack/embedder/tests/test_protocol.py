import json

import pytest

from notebook.stack.embedder.protocol import ApiError, EmbeddingsRequest


def parse(**fields):
    return EmbeddingsRequest.parse(json.dumps({"model": "e5-query", **fields}).encode())


def test_a_string_is_a_list_of_one_text():
    assert parse(input="a") == parse(input=["a"])


def test_what_openai_clients_also_send_is_accepted():
    request = parse(input=["a", "b"], encoding_format="base64", dimensions=384, user="someone")
    assert request == EmbeddingsRequest(model="e5-query", texts=["a", "b"], is_base64=True)


@pytest.mark.parametrize(
    ("fields", "status", "param", "message"),
    [
        ({}, 400, "input", "input must be a string or a list of strings."),
        ({"input": None}, 400, "input", "input must be a string or a list of strings."),
        ({"input": 7}, 400, "input", "input must be a string or a list of strings."),
        ({"input": [1, 2]}, 400, "input", "input must be a string or a list of strings."),
        ({"input": ["a", None]}, 400, "input", "input must be a string or a list of strings."),
        ({"input": []}, 400, "input", "input must not be an empty list."),
        ({"input": ""}, 400, "input", "input[0] must not be an empty string."),
        ({"input": ["a", ""]}, 400, "input", "input[1] must not be an empty string."),
        ({"input": ["a"] * 2049}, 400, "input", "input must have at most 2048 texts, not 2049."),
        (
            {"input": "\ud800"},
            400,
            "input",
            "input[0] is not valid Unicode: it has a lone surrogate.",
        ),
        (
            {"input": "a", "encoding_format": "hex"},
            400,
            "encoding_format",
            "encoding_format must be 'float' or 'base64'.",
        ),
        (
            {"input": "a", "dimensions": 100},
            400,
            "dimensions",
            "dimensions must be 384: these models cannot shorten their vectors.",
        ),
        ({"input": "a", "model": 3}, 400, "model", "You must provide a model parameter."),
    ],
)
def test_wrong_fields_are_named(fields, status, param, message):
    with pytest.raises(ApiError) as caught:
        parse(**fields)
    assert caught.value.status == status
    assert caught.value.body == {
        "error": {
            "message": message,
            "type": "invalid_request_error",
            "param": param,
            "code": None,
        }
    }


def test_an_unknown_model_is_not_found():
    with pytest.raises(ApiError) as caught:
        parse(input="a", model="text-embedding-3-small")
    assert caught.value.status == 404
    assert caught.value.body["error"]["code"] == "model_not_found"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(body):
    with pytest.raises(ApiError) as caught:
        EmbeddingsRequest.parse(body)
    assert caught.value.status == 400
