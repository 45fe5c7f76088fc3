"""Refuses unknown parameters and fields: a typo must not get the answer to another question."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import APIView

MOST_TOLD = 10  # unknown names listed in an answer
READ_BY_DRF = {str(api_settings.URL_FORMAT_OVERRIDE), "csrfmiddlewaretoken"}


class StrictView(APIView):
    """Accepts only the query parameters that it names."""

    # By action of a viewset; "get" for any other view.
    parameters: Mapping[str, tuple[str, ...]] = {}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        own = self.parameters.get(getattr(self, "action", "get"), ())
        if wrong := _unread(request.query_params, own):
            raise ValidationError(wrong)


# No docstring: the schema would show it for every subclass.
class StrictSerializer(serializers.Serializer[Any]):
    def to_internal_value(self, data: Any) -> Any:
        """The values of its fields. ValidationError for those, and for unknown ones."""
        unread = _unread(data, self.fields) if isinstance(data, Mapping) else {}
        try:
            found = super().to_internal_value(data)
        except ValidationError as error:
            wrong: Any = error.detail
            raise ValidationError({**unread, **wrong}) from error
        if unread:
            raise ValidationError(unread)
        return found


def _unread(given: Mapping[str, Any], known: Iterable[str]) -> dict[str, ErrorDetail]:
    """The names that would be ignored and why: they are unknown, or given more than once."""
    read = {*known, *READ_BY_DRF}
    unknown = [name for name in given if name not in read]
    errors = dict.fromkeys(islice(unknown, MOST_TOLD), _unknown(known)) if unknown else {}
    if isinstance(given, MultiValueDict):
        repeated = [name for name, values in given.lists() if len(values) > 1]
        problem = ErrorDetail(_("Give it only once."), "repeated")
        errors |= dict.fromkeys(islice(repeated, MOST_TOLD), problem)
    return errors


def _unknown(known: Iterable[str]) -> ErrorDetail:
    names = ", ".join(sorted(known))
    allowed = _("Unknown name. Allowed here: {names}.").format(names=names)
    return ErrorDetail(allowed if names else _("Unknown name. None is allowed here."), "unknown")
