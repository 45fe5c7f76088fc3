"""Links of the admin that are shown only to those whom they would not refuse."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Model, QuerySet, Value
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _


class LinkingAdmin(admin.options.BaseModelAdmin[Any]):
    """Tells each row which pages the person who looks at it may see.

    `linked` holds the models that the rows link to.
    """

    linked: ClassVar[tuple[type[Model], ...]] = (get_user_model(),)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Any]":
        found: QuerySet[Any] = super().get_queryset(request)
        may = {_may_see(model): Value(self.may_see(request, model)) for model in self.linked}
        told: QuerySet[Any] = found.annotate(**may)
        return told

    def may_see(self, request: HttpRequest, model: type[Model]) -> bool:
        return self.admin_site.get_model_admin(model).has_view_permission(request)

    @admin.display(description=_("owner"))
    def owner_link(self, row: Any) -> str:
        return link(row, row.owner)


def link(row: Any, to: Model | None, text: object = "") -> str:
    """The text, by default the name of `to`, as a link to its page if that may be seen."""
    if to is None:
        return "–"
    text = text or to
    if not getattr(row, _may_see(type(to)), False):
        return str(text)
    page = f"admin:{to._meta.app_label}_{to._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(page, args=[to.pk]), text)


def _may_see(model: type[Model]) -> str:
    return f"may_see_{model._meta.model_name}"
