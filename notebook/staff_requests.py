"""Answers malformed requests to the admin with 400 or nothing selected instead of 500."""

from collections.abc import Callable
from itertools import chain
from typing import Any

from django.contrib.admin import helpers
from django.core.exceptions import ValidationError
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.translation import gettext as _


class StaffRequestMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, *_: Any) -> None:
        """Drop selected rows with an invalid key, as if they had been deleted."""
        model: Any = getattr(getattr(view, "model_admin", None), "model", None)
        if model and (chosen := request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)):
            posted = request.POST.copy()
            keys = [key for key in chosen if _can_be_key(model, key)]
            posted.setlist(helpers.ACTION_CHECKBOX_NAME, keys)
            request.POST = posted  # type: ignore[assignment] # no form is read from it twice

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """400 for a NUL, which Postgres can't store and the admin passes on to it."""
        if (
            isinstance(error, (ValueError, DataError))
            and request.path.startswith("/admin/")
            and _has_nul(request)
        ):
            return HttpResponseBadRequest(_("The request could not be understood."))
        return None


def _can_be_key(model: Any, key: str) -> bool:
    try:
        model._meta.pk.to_python(key)
    except ValidationError:
        return False
    return True


def _has_nul(request: HttpRequest) -> bool:
    sent = [texts for each in (request.GET, request.POST) for _name, texts in each.lists()]
    return any("\0" in text for text in chain([request.path], *sent))
