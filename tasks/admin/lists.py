"""Admin lists that are fast with 100,000 rows, and read-only ones."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.text import smart_split, unescape_string_literal
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

MOST_AT_ONCE = 500  # rows that one click acts on: each takes some ten milliseconds
GONE = _("Somebody else has deleted it meanwhile.")


class KeysFirst(Paginator[Any]):
    """Selects the keys of a page first, so that nothing is joined for the rows before it."""

    object_list: "QuerySet[Any]"

    def page(self, number: int | str) -> Page[Any]:
        found: Any = super().page(number)
        keys = list(found.object_list.values_list("pk", flat=True))
        found.object_list = self.object_list.filter(pk__in=keys)
        return found  # type: ignore[no-any-return] # with the rows by their keys


class ValueFilter(admin.SimpleListFilter):
    """Filters by the value of the field that the parameter names."""

    parameter_name: str

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        return queryset.filter(**{self.parameter_name: self.value()}) if self.value() else queryset


class CauseFilter(ValueFilter):
    """Filters by error code; offers those of failed rows, which are found by an index."""

    title = _("error code")
    parameter_name = "error_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        failed = model_admin.model.objects.filter(status="FAILED", error_code__isnull=False)
        codes = failed.order_by("error_code").values_list("error_code", flat=True).distinct()
        return [(code, code) for code in codes]


class ReadOnlyAdmin(admin.ModelAdmin[Any]):
    """Read-only; deleting needs its own permission."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LongListAdmin(admin.ModelAdmin[Any]):
    """Searches for a row by id, or for rows that contain every word of the search."""

    list_per_page = 50
    show_full_result_count = False
    paginator = KeysFirst

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answers a NUL character like other invalid filters; Postgres would raise an error."""
        if any("\0" in value for _name, values in request.GET.lists() for value in values):
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")
        return super().changelist_view(request, *args, **kwargs)

    def first_of(
        self, request: HttpRequest, queryset: "QuerySet[Any]", **able: Any
    ) -> "QuerySet[Any]":
        """All rows, if one click can act on so many; otherwise the first of those that are `able`.

        Says how many are left for the next click.
        """
        found = queryset.filter(**able) if queryset.count() > MOST_AT_ONCE else queryset
        if (left := found.count() - MOST_AT_ONCE) > 0:
            told = ngettext(
                "%(n)d is left. Repeat this for it.", "%(n)d are left. Repeat this for them.", left
            )
            self.message_user(request, told % {"n": left}, messages.WARNING)
        return found[:MOST_AT_ONCE]

    def of_id(self, pk: UUID) -> Q:
        return Q(pk=pk)

    def of_word(self, word: str) -> Q:
        raise NotImplementedError

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Any]", search_term: str
    ) -> "tuple[QuerySet[Any], bool]":
        return queryset.filter(_search(search_term, self.of_id, self.of_word)), False


def of_one(name: object, sentence: object) -> str:
    """A message about one of many rows. The quotes keep the page from capitalising the name."""
    return f"“{name}”: {sentence}"


def delete_each(request: HttpRequest, rows: Iterable[Any], delete: Callable[[Any], object]) -> None:
    """Deletes by key; reports rows that somebody else has already deleted."""
    for row in rows:
        name, pk = str(row), row.pk
        try:
            delete(pk)
        except ObjectDoesNotExist:
            messages.warning(request, of_one(name, GONE))


def of_owner(word: str) -> Q:
    owners = get_user_model().objects.filter(username__icontains=word)
    return Q(owner__in=owners.values("pk"))


def _search(term: str, by_id: Callable[[UUID], Q], by_word: Callable[[str], Q]) -> Q:
    """Quoted words count as one."""
    try:
        return by_id(UUID(term.strip()))
    except ValueError:
        found = Q()
        for word in smart_split(term):
            found &= by_word(_unquoted(word))
        return found


def _unquoted(word: str) -> str:
    quoted = word[0] in "\"'" and word[0] == word[-1] and len(word) > 1
    return unescape_string_literal(word) if quoted else word
