"""OpenAI's embeddings API: parses requests, formats answers and errors."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from notebook.stack.embedder.embedder import PREFIXES, Embeddings
from notebook.stack.embedder.tokenization import MAX_TOKENS
from notebook.stack.embedder.weights import HIDDEN

MAX_TEXTS = 2048
MAX_REQUEST_TOKENS = 300_000
MAX_BODY_BYTES = 8 * 1024 * 1024

Json = dict[str, Any]


class ApiError(Exception):
    """An answer other than 200, in OpenAI's format."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {
            "error": {"message": message, "type": kind, "param": param, "code": code}
        }


def invalid_input(message: str) -> ApiError:
    return ApiError(400, message, param="input")


@dataclass(frozen=True, kw_only=True)
class EmbeddingsRequest:
    model: str
    texts: list[str]
    is_base64: bool

    @classmethod
    def parse(cls, body: bytes) -> "EmbeddingsRequest":
        """Raises ApiError. Unknown fields, such as ``user``, are ignored."""
        fields = _parse_object(body)
        encoding = fields.get("encoding_format", "float")
        if encoding not in ("float", "base64"):
            message = "encoding_format must be 'float' or 'base64'."
            raise ApiError(400, message, param="encoding_format")
        if fields.get("dimensions") not in (None, HIDDEN):
            message = f"dimensions must be {HIDDEN}: these models cannot shorten their vectors."
            raise ApiError(400, message, param="dimensions")
        return cls(
            model=_parse_model(fields.get("model")),
            texts=_parse_input(fields.get("input")),
            is_base64=encoding == "base64",
        )


def embeddings_body(request: EmbeddingsRequest, embeddings: Embeddings) -> Json:
    return {
        "object": "list",
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": base64.b64encode(vector.astype("<f4").tobytes()).decode()
                if request.is_base64
                else vector.tolist(),
            }
            for index, vector in enumerate(embeddings.vectors)
        ],
        "model": request.model,
        "usage": {"prompt_tokens": embeddings.tokens, "total_tokens": embeddings.tokens},
    }


def model_body(model: str) -> Json:
    return {"id": model, "object": "model", "created": 0, "owned_by": "intfloat"}


def models_body() -> Json:
    return {"object": "list", "data": [model_body(model) for model in PREFIXES]}


def unknown_model(model: str) -> ApiError:
    message = f"The model '{model}' does not exist; there are {', '.join(PREFIXES)}."
    return ApiError(404, message, param="model", code="model_not_found")


def _parse_object(body: bytes) -> Json:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(400, "The body is not valid JSON.") from None
    if not isinstance(fields, dict):
        raise ApiError(400, "The body must be a JSON object.")
    return fields


def _parse_model(model: Any) -> str:
    if not isinstance(model, str) or not model:
        raise ApiError(400, "You must provide a model parameter.", param="model")
    if model not in PREFIXES:
        raise unknown_model(model)
    return model


def _parse_input(value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise invalid_input("input must be a string or a list of strings.")
    if not texts:
        raise invalid_input("input must not be an empty list.")
    if len(texts) > MAX_TEXTS:
        raise invalid_input(f"input must have at most {MAX_TEXTS} texts, not {len(texts)}.")
    for index, text in enumerate(texts):
        _check_text(index, text)
    return texts


def _check_text(index: int, text: str) -> None:
    if not text:
        raise invalid_input(f"input[{index}] must not be an empty string.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise invalid_input(f"input[{index}] is not valid Unicode: it has a lone surrogate.")


def text_too_long(index: int) -> ApiError:
    return invalid_input(f"input[{index}] is longer than {MAX_TOKENS} tokens.")


def too_many_tokens() -> ApiError:
    return invalid_input(f"input has more than {MAX_REQUEST_TOKENS} tokens in all.")
