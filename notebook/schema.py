"""Adds problem responses to every operation of the schema."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from drf_spectacular.hooks import postprocess_schema_enums

from notebook.problems import CONTENT_TYPE

Operation = dict[str, Any]
_STRING = {"type": "string"}
_FIELD_ERROR = {
    "type": "object",
    "properties": {"field": _STRING, "code": _STRING, "detail": _STRING},
    "required": ["field", "code", "detail"],
}
PROBLEM = {
    "type": "object",
    "description": "RFC 9457.",
    "properties": {
        "type": _STRING,
        "title": _STRING,
        "status": {"type": "integer"},
        "detail": {**_STRING, "description": "For people, in the language of the request."},
        "code": {**_STRING, "description": "For programs; stable."},
        "errors": {"type": "array", "items": _FIELD_ERROR, "description": "Of fields, with 400."},
    },
    "required": ["type", "title", "status", "detail", "code"],
}
# Statuses that can't be derived from the operation itself.
FURTHER = {
    "ask_create": (422, 501),
    "auth_token_create": (401, 429),
    "citations_verify_create": (404, 422),
    "documents_create": (409,),
    "documents_file_retrieve": (412, 416),
    "documents_plan_create": (422,),
    "documents_reprocess_create": (409,),
    "search_create": (422,),
    "tasks_cancel_create": (409,),
    "tasks_events_retrieve": (429,),
    "tasks_retry_create": (409,),
}


def finish(result: dict[str, Any], generator: Any, **_: Any) -> dict[str, Any]:
    """drf-spectacular's last postprocessing hook."""
    postprocess_schema_enums(result, generator)  # type: ignore[no-untyped-call]
    _declare_problems(result)
    _declare_strictness(result["components"]["schemas"])
    return result


def _declare_problems(result: dict[str, Any]) -> None:
    used: set[int] = set()
    for path, methods in result["paths"].items():
        for method, operation in methods.items():
            found = set(_statuses(path, method, operation))
            for status in sorted(found):
                reference = {"$ref": f"#/components/responses/{_name(status)}"}
                operation["responses"].setdefault(str(status), reference)
            operation["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
            used |= found
    components = result["components"]
    components["schemas"]["Problem"] = PROBLEM
    components["responses"] = {_name(status): _response(_phrase(status)) for status in sorted(used)}
    components["responses"]["Problem"] = _response("Any other error")


def _declare_strictness(schemas: dict[str, Any]) -> None:
    for name, schema in schemas.items():
        if name.endswith("Request"):
            schema["additionalProperties"] = False


def _statuses(path: str, method: str, operation: Operation) -> Iterator[int]:
    security, parameters = operation.get("security", []), operation.get("parameters", [])
    asked = {each["name"] for each in parameters if each["in"] == "query"}
    if security:
        yield 401
    if method != "get":
        yield 507
        if {"cookieAuth": []} in security:
            yield 403  # without a CSRF token
    if "requestBody" in operation:
        yield from (413, 415)
    if "{" in path or "cursor" in asked:
        yield 404
    yield from (400, 503, *FURTHER.get(operation["operationId"], ()))


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


def _name(status: int) -> str:
    return _phrase(status).replace(" ", "")


def _response(description: str) -> dict[str, Any]:
    return {
        "description": f"{description}.",
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
