"""Adapts other packages' admin pages: users and API tokens."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from axes.admin import AccessAttemptAdmin
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin as DjangosUserAdmin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_celery_results.models import GroupResult
from knox.models import AuthToken

from documents.models import Document, Usage
from documents.owners import delete_owner
from notebook.models import ApiToken
from tasks.admin.links import LinkingAdmin, link
from tasks.admin.lists import ReadOnlyAdmin, delete_each
from tasks.models import LIVE, Task

# shown as ours; never written
admin.site.unregister((get_user_model(), AuthToken, GroupResult))
MOST_NAMED = 100  # of a user's documents, listed before they are deleted
AccessAttemptAdmin.status.short_description = _("status")  # django-axes doesn't translate it


@admin.register(ApiToken)
class ApiTokenAdmin(LinkingAdmin, ReadOnlyAdmin):
    """API tokens: whose, and until when. Deleting one revokes it.

    Staff can't create one for somebody else: that would let them sign in as that user.
    """

    list_display = fields = readonly_fields = ("key", "user_link", "made_at", "ends_at")
    list_select_related = ("user",)
    search_fields = ("token_key", "user__username")
    ordering = ("-created",)

    # Knox doesn't translate the names of its fields.

    @admin.display(description=_("token key"), ordering="token_key")
    def key(self, token: ApiToken) -> str:
        return str(token.token_key)

    @admin.display(description=_("user"), ordering="user__username")
    def user_link(self, token: ApiToken) -> str:
        return link(token, token.user)

    @admin.display(description=_("created"), ordering="created")
    def made_at(self, token: ApiToken) -> datetime:
        made: datetime = token.created
        return made

    @admin.display(description=_("expiry"), ordering="expiry")
    def ends_at(self, token: ApiToken) -> datetime | None:
        ends: datetime | None = token.expiry
        return ends


@admin.register(User)
class UserAdmin(DjangosUserAdmin[User]):
    """Deleting a user deletes everything of theirs: documents with files, tasks, tokens, usage."""

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Without the password, which has a link to change it, for those who may not."""
        told = super().get_fieldsets(request, obj)
        if self.has_change_permission(request, obj):
            return told
        return [(title, {**part, "fields": _visible(part["fields"])}) for title, part in told]

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        delete_each(request, [obj], delete_owner)

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[User]") -> None:
        delete_each(request, queryset, delete_owner)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Live tasks without a document, such as a switch of the model, protect their user."""
        users = list(objs)
        documents = [list(_documents_of(user)) for user in users]
        named = list(chain.from_iterable(zip(map(str, users), documents, strict=True)))
        needed = set()
        if any(documents) and not request.user.has_perm("documents.delete_document"):
            needed.add(Document._meta.verbose_name)
        others = Task.objects.filter(owner__in=users, document=None, status__in=LIVE)
        return named, _counted(users), needed, [str(task) for task in others]


def _visible(fields: Any) -> list[Any]:
    return [name for name in fields if name != "password"]


def _documents_of(user: User) -> Iterator[str]:
    found = Document.objects.filter(owner=user)
    yield from found.values_list("name", flat=True)[:MOST_NAMED]
    if (more := found.count() - MOST_NAMED) > 0:
        yield gettext("and %(n)d more") % {"n": more}


def _counted(users: list[User]) -> dict[Any, int]:
    """How many of each kind will be deleted, without zeros."""
    theirs: list[QuerySet[Any]] = [
        each._default_manager.filter(owner__in=users) for each in (Document, Task, Usage)
    ]
    theirs.append(ApiToken.objects.filter(user__in=users))
    counts = {each.model._meta.verbose_name_plural: each.count() for each in theirs}
    everything = {User._meta.verbose_name_plural: len(users)} | counts
    return {name: count for name, count in everything.items() if count}
