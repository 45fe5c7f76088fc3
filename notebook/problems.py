"""Every error as RFC 9457 `application/problem+json` with a stable `code`, whoever raised it."""

import math
import sys
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import structlog
from axes.helpers import get_cache_timeout
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from psycopg_pool import PoolTimeout
from rest_framework import exceptions as drf
from rest_framework.views import set_rollback

from tasks.exceptions import TaskError, TransientStepError, is_storage_full
from tasks.sentences import translated

log = structlog.get_logger(__name__)
CONTENT_TYPE = "application/problem+json"
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
RETRY_AFTER_SECONDS = 5
LONGEST_NAME_THAT_FAILED = 255

# HTTP statuses of errors that reach a caller. Most others are only found on a document's row.
STATUS_OF_CODE = {
    "empty_file": 400,
    "checksum_mismatch": 404,  # what was uploaded is not there
    "source_missing": 404,
    "wrong_state": 409,
    "file_too_large": 413,
    "unsupported_type": 415,
    "chat_not_configured": 501,
    **dict.fromkeys(
        (
            "embedding_auth",
            "embedding_invalid",
            "embedding_unavailable",
            "model_not_found",
            "planner_busy",
            "rate_limited",
        ),
        503,
    ),
}


def problem(status: int, code: str, detail: str, **extra: Any) -> dict[str, Any]:
    """The body: `type`, `title`, `status`, `detail`, `code` and what `extra` adds (`errors`)."""
    title = HTTPStatus(status).phrase
    return {
        "type": "about:blank", "title": title, "status": status, "detail": detail, "code": code,
    } | extra  # fmt: skip


def problem_response(status: int, code: str, detail: str) -> JsonResponse:
    return _response(problem(status, code, detail))


def _response(body: dict[str, Any], headers: dict[str, str] | None = None) -> JsonResponse:
    """Always JSON, whatever `Accept` says."""
    return JsonResponse(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's `EXCEPTION_HANDLER`. Unknown exceptions go on to Django, which logs them."""
    set_rollback()
    body = describe(error)
    return None if body is None else _response(body, _headers(error))


def describe(error: Exception) -> dict[str, Any] | None:
    """The problem that describes an error; None for an unknown one."""
    match error:
        case TaskError():
            http, said = STATUS_OF_CODE.get(error.code, 422), translated(error.message)
            return problem(http, error.code, said)
        case drf.ValidationError():
            errors = list(_field_errors(error.detail))
            return problem(400, "invalid", _first_sentence(errors), errors=errors)
        case drf.APIException():
            return problem(error.status_code, _code(error), str(error.detail))
        case _ if is_storage_full(error):
            return _storage_full()
        case Http404() | ObjectDoesNotExist():  # the latter: deleted while we looked at it
            return problem(404, "not_found", _("There is nothing here, or it is not yours."))
        case RequestDataTooBig():
            return problem(413, *_too_large())
        case PermissionDenied():
            return problem(403, "permission_denied", _("You may not do this."))
        case _ if isinstance(error, DATABASE_AWAY):
            return _database_away()
    return None


def _code(error: drf.APIException) -> str:
    codes = error.get_codes()
    if isinstance(error, drf.PermissionDenied) and "CSRF" in str(error.detail):
        return "csrf_failed"
    return codes if isinstance(codes, str) else error.default_code


def _headers(error: Exception) -> dict[str, str]:
    wait = getattr(error, "wait", None)  # of DRF's Throttled
    if isinstance(error, DATABASE_AWAY):
        wait = RETRY_AFTER_SECONDS
    elif isinstance(error, TransientStepError):
        wait = math.ceil(error.retry_after or RETRY_AFTER_SECONDS)
    found = {
        "WWW-Authenticate": getattr(error, "auth_header", None),
        "Retry-After": wait,
        "Content-Range": getattr(error, "content_range", None),
    }
    return {name: str(value) for name, value in found.items() if value}


def _field_errors(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    if isinstance(detail, dict):
        for name, value in detail.items():
            yield from _field_errors(value, f"{path}.{name}" if path else str(name))
    elif isinstance(detail, list):
        for value in detail:
            yield from _field_errors(value, path)
    else:
        code = getattr(detail, "code", "invalid")
        yield {"field": path, "code": code, "detail": str(detail)}


def _first_sentence(errors: list[dict[str, str]]) -> str:
    if not errors:
        return _("The request is not valid.")
    first = errors[0]
    named = first["field"] and not first["field"].startswith("non_field")
    return f"{first['field']}: {first['detail']}" if named else first["detail"]


def _storage_full() -> dict[str, Any]:
    log.error("storage_full", error=str(sys.exc_info()[1]))
    detail = _("The storage is full. Nothing was kept; try again later.")
    return problem(507, "storage_full", detail)


def _database_away() -> dict[str, Any]:
    log.warning("database_unavailable", error=str(sys.exc_info()[1]))
    detail = _("The database can't be reached. Try again shortly.")
    return problem(503, "database_unavailable", detail)


def _too_large() -> tuple[str, str]:
    return "request_too_large", _("The request is too large.")


class ProblemMiddleware:
    """Turns Django's HTML errors into problems under `/api/`: unknown paths, bad requests."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        wants_json = request.path.startswith("/api/")
        if (
            wants_json
            and response.status_code >= 400
            and "html" in response.get("Content-Type", "")
        ):
            return self._as_problem(response)
        return response

    @staticmethod
    def _as_problem(response: HttpResponse) -> HttpResponse:
        status = response.status_code
        code, detail = {
            404: ("not_found", _("There is nothing at this address.")),
            412: ("precondition_failed", _("It no longer matches what the request requires.")),
            413: _too_large(),
        }.get(status, ("bad_request", _("The request could not be understood.")))
        return problem_response(status, code, detail)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    if request.path.startswith("/api/"):
        return problem_response(403, "csrf_failed", _("The request's CSRF token is wrong."))
    return render(request, "csrf_failure.html", status=403)


def name_that_failed(request: HttpRequest, credentials: dict[str, Any] | None) -> str | None:
    """The name axes counts a try for, cut to its column's length: login forms accept any."""
    name = (credentials or request.POST).get("username")
    return name and name[:LONGEST_NAME_THAT_FAILED]


def locked_out(
    request: HttpRequest, credentials: dict[str, Any] | None, *args: Any
) -> HttpResponse:
    """429. `Retry-After` is the whole lockout, some of which may have passed."""
    detail = _("Too many wrong passwords. Wait a quarter of an hour and try again.")
    if request.path.startswith("/api/"):
        response: HttpResponse = problem_response(429, "too_many_attempts", detail)
    else:
        response = render(request, "login.html", {"locked": detail}, status=429)
    if seconds := get_cache_timeout(request):
        response["Retry-After"] = str(seconds)
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """`handler500`: Django calls it while the exception is being handled, so we can inspect it."""
    error = sys.exc_info()[1]
    if error and is_storage_full(error):
        return _answer(request, _storage_full())
    if isinstance(error, DATABASE_AWAY):
        return _answer(request, _database_away(), _headers(error))
    detail = _("Something went wrong on our side. It has been logged.")
    return _answer(request, problem(500, "internal_error", detail))


def _answer(
    request: HttpRequest, body: dict[str, Any], headers: dict[str, str] | None = None
) -> HttpResponse:
    """A problem under `/api/`, elsewhere a page, which needs no database."""
    if request.path.startswith("/api/"):
        return _response(body, headers)
    page = render_to_string("failure.html", {"detail": body["detail"]})
    return HttpResponse(page, status=body["status"], headers=headers)
