"""Documents for staff: owner, size, chunks, and the state of the latest task."""

from operator import itemgetter
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from documents import services
from documents.extraction.types import SUPPORTED
from documents.models import ChunkVector, Document, EmbeddingSpace, Usage
from tasks.admin.details import described
from tasks.admin.links import LinkingAdmin, link
from tasks.admin.lists import (
    CauseFilter,
    LongListAdmin,
    ReadOnlyAdmin,
    ValueFilter,
    delete_each,
    of_owner,
)
from tasks.models import Task
from tasks.sentences import translated


class TypeFilter(ValueFilter):
    title = _("type")
    parameter_name = "content_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        used = set(Document.objects.order_by().values_list("content_type", flat=True).distinct())
        labels = [(mime, gettext(SUPPORTED[mime].label)) for mime in used & set(SUPPORTED)]
        return sorted(labels, key=itemgetter(1))


@admin.register(Document)
class DocumentAdmin(LinkingAdmin, LongListAdmin, ReadOnlyAdmin):
    """Documents can't be added here: they are uploaded through the service."""

    linked = (*LinkingAdmin.linked, Task)
    list_display = (
        "name",
        "owner",
        "status",
        "chunk_count",
        "page_count",
        "bytes",
        "task",
        "created_at",
    )
    list_filter = ("status", CauseFilter, TypeFilter, "created_at")
    search_fields = ("name", "owner__username", "sha256")
    search_help_text = _("Name, owner, id or SHA-256")
    list_select_related = ("owner",)
    fields = (
        "id", "name", "owner_link", "status", "error_code", "reason", "content_type", "bytes",
        "sha256", "page_count", "chunk_count", "language", "quality", "task",
        "created_at", "updated_at",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Document]":
        latest = Prefetch("tasks", Task.objects.latest_of_each_document(), to_attr="latest_tasks")
        return super().get_queryset(request).prefetch_related(latest)

    def of_word(self, word: str) -> Q:
        return Q(name__icontains=word) | of_owner(word) | Q(sha256=word.lower())

    def response_action(
        self, request: HttpRequest, queryset: "QuerySet[Document]", *args: Any, **kwargs: Any
    ) -> Any:
        """Of a whole list only the first: a request may not have a field for each of thousands."""
        whole = request.POST.get("select_across") == "1"
        chosen = self.first_of(request, queryset) if whole else queryset
        return super().response_action(request, chosen, *args, **kwargs)

    def delete_model(self, request: HttpRequest, obj: Document) -> None:
        delete_each(request, [obj], services.delete_document)

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Document]") -> None:
        delete_each(request, queryset.prefetch_related(None), services.delete_document)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Lists the documents only: what depends on them is deleted along with them."""
        return [str(each) for each in objs], {_("documents"): len(objs)}, set(), []

    @admin.display(description=_("reason"))
    def reason(self, document: Document) -> str:
        return translated(document.error_message or "–")

    @admin.display(description=_("size"), ordering="size")
    def bytes(self, document: Document) -> str:
        return filesizeformat(document.size)

    @admin.display(description=_("latest task"))
    def task(self, document: Document) -> str:
        latest = getattr(document, "latest_tasks", None)
        if not latest:
            return "–"
        return link(document, latest[0], latest[0].get_status_display())

    @admin.display(description=_("how well it was read"))
    def quality(self, document: Document) -> str:
        return described(services.quality_report(document) or {})


@admin.register(Usage)
class UsageAdmin(LinkingAdmin, ReadOnlyAdmin):
    """Usage of each owner by day, as counters; read-only."""

    list_display = ("day", "owner", "documents", "chunks", "tokens", "requests")
    fields = ("owner_link", "day", "documents", "chunks", "tokens", "requests")
    readonly_fields = fields
    list_filter = ("day",)
    search_fields = ("owner__username",)
    date_hierarchy = "day"
    list_select_related = ("owner",)
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Usage | None = None) -> bool:
        return False


@admin.register(EmbeddingSpace)
class EmbeddingSpaceAdmin(LinkingAdmin, ReadOnlyAdmin):
    """The active embedding space, and one being built. Changed by `manage.py embeddings`."""

    linked = (Task,)
    list_display = ("passage_model", "dimensions", "state", "vectors", "work", "switched_at")
    fields = (
        "passage_model", "query_model", "dimensions", "passage_prefix", "query_prefix", "base_url",
        "key_variable", "state", "vectors", "work", "created_at", "switched_at",
    )  # fmt: skip
    readonly_fields = fields
    list_select_related = ("task",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("vectors"))
    def vectors(self, space: EmbeddingSpace) -> int:
        return ChunkVector.objects.filter(space=space).count()

    @admin.display(description=_("task"))
    def work(self, space: EmbeddingSpace) -> str:
        if space.task is None:
            return "–"
        return link(space, space.task, f"{space.task.get_status_display()}, {space.task.progress}%")
