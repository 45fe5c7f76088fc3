"""Cursor pagination: pages stay correct while rows come and go."""

from collections.abc import Sequence
from typing import Any

from django.core import signing
from django.db.models import Q, QuerySet
from rest_framework import pagination, serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

Place = list[str] | None  # a row's values of the fields that order the list; None: before all


class CursorPagination(pagination.CursorPagination):
    """`{"next", "previous", "results"}`; `page_size` up to 200.

    DRF's own only looks at the first field, and counts rows that share its value, a thousand at
    most. Here a cursor holds the values of all ordering fields (the last is unique, none may be
    null), so it is a place between two rows. It is signed for its model and ordering.
    """

    page_size = 50
    page_size_query_param = "page_size"
    page_size_query_description = "1 to 200; by default 50."
    max_page_size = 200
    parameters = ("cursor", "page_size")
    cursor_query_description = "Of the links `next` and `previous`."
    ordering: tuple[str, ...] = ("-created_at", "-pk")
    page: list[Any]
    base_url: str

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        self.base_url = request.build_absolute_uri()
        self.ordering = self.get_ordering(request, queryset, view)
        self.signer = signing.Signer(salt=f"{queryset.model._meta.label} {self.ordering}")
        place, back = self._cursor(request)
        size = self.get_page_size(request)
        found = list(self._beyond(queryset, place, back=back)[: size + 1])
        more, came = len(found) > size, place is not None
        self.page = found[:size][::-1] if back else found[:size]
        self.has_next, self.has_previous = (came, more) if back else (more, came)
        return self.page

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "nullable": True, "format": "uri"}
        shape = {"next": link, "previous": link, "results": schema}
        return {"type": "object", "required": list(shape), "properties": shape}

    def get_page_size(self, request: Request) -> int:
        """Refuses an invalid size, for which DRF's own uses the default or the maximum."""
        given = request.query_params.get(self.page_size_query_param)
        field = serializers.IntegerField(min_value=1, max_value=self.max_page_size)
        try:
            return int(field.run_validation(given)) if given else self.page_size
        except ValidationError as error:
            raise ValidationError({self.page_size_query_param: error.detail}) from error

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor, size = super().get_schema_operation_parameters(view)
        bounds = {"minimum": 1, "maximum": self.max_page_size}
        return [cursor, {**size, "schema": {**size["schema"], **bounds}}]

    def get_ordering(self, *args: Any) -> tuple[str, ...]:
        """The ordering asked for, made unique by the key."""
        ordering = tuple(super().get_ordering(*args))
        if {"id", "pk"} & {name.lstrip("-") for name in ordering}:
            return ordering
        return (*ordering, "-pk" if ordering[-1].startswith("-") else "pk")

    def get_next_link(self) -> str | None:
        return self._link(self.page[-1:], back=False) if self.has_next else None

    def get_previous_link(self) -> str | None:
        return self._link(self.page[:1], back=True) if self.has_previous else None

    def _cursor(self, request: Request) -> tuple[Place, bool]:
        """Where the page begins, and whether it is read backwards from there."""
        given = request.query_params.get(self.cursor_query_param)
        if not given:
            return None, False
        try:
            place, back = self.signer.unsign_object(given)
        except signing.BadSignature as error:
            raise NotFound(self.invalid_cursor_message) from error
        return place, back

    def _link(self, rows: list[Any], *, back: bool) -> str:
        """From the row, or from the list's other end if all rows beyond a place are gone."""
        names = [name.lstrip("-") for name in self.ordering]
        place = [str(getattr(rows[0], name)) for name in names] if rows else None
        cursor = self.signer.sign_object((place, back))
        return replace_query_param(self.base_url, self.cursor_query_param, cursor)

    def _beyond(self, queryset: "QuerySet[Any]", place: Place, *, back: bool) -> "QuerySet[Any]":
        """The rows from the place on, in the order in which they are read."""
        ordering = [_reversed(name) for name in self.ordering] if back else self.ordering
        found = queryset if place is None else queryset.filter(_after(ordering, place))
        return found.order_by(*ordering)


def _reversed(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _after(ordering: Sequence[str], place: Sequence[str]) -> Q:
    """A later value of the first field, or the same one and a later of those that follow."""
    found = Q(pk__in=())
    for name, value in reversed(list(zip(ordering, place, strict=True))):
        later = f"{name.lstrip('-')}__{'lt' if name.startswith('-') else 'gt'}"
        # Partly redundant: an index can only use what is ANDed.
        found = Q(**{f"{later}e": value}) & (Q(**{later: value}) | found)
    return found
