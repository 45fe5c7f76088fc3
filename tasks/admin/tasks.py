"""Tasks for staff: what is stuck, since when, why and whose; retrying and cancelling."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_celery_results.models import TaskResult

from tasks import overview, pipelines, services
from tasks.admin.details import TaskDetailInline, TaskEventInline, in_seconds
from tasks.admin.links import LinkingAdmin, link
from tasks.admin.lists import GONE, CauseFilter, LongListAdmin, ReadOnlyAdmin, of_one, of_owner
from tasks.exceptions import WrongState
from tasks.models import LIVE, OutboxMessage, Status, Task, TaskDetail, Worker
from tasks.sentences import translated

Action = Callable[..., Task]
FAILED_OR_CANCELLED = (Status.FAILED, Status.CANCELLED)
MOST_NAMED = 10  # of the skipped ones
_TOLD: dict[str, Callable[[int], str]] = {
    "retry": lambda n: ngettext("%(n)d task is retried.", "%(n)d tasks are retried.", n),
    "cancel": lambda n: ngettext("%(n)d task was cancelled.", "%(n)d tasks were cancelled.", n),
}
_LOGGED = {"retry": "Retried", "cancel": "Cancelled"}  # in English, like the task's own history


def _turn(message: OutboxMessage | None) -> str:
    if message is None:
        return ""
    if message.problem:
        return str(OutboxMessage.Problem(message.problem).label)
    return _("Number %(n)d in the queue") % {"n": message.position} if message.position else ""


class LastRunFilter(admin.SimpleListFilter):
    """As the overview counts by cause."""

    title = _("runs")
    parameter_name = "runs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("last", _("Last of each document"))]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Task]") -> "QuerySet[Task]":
        return overview.last_runs(queryset) if self.value() else queryset


@admin.register(Task)
class TaskAdmin(LinkingAdmin, LongListAdmin):
    linked = (*LinkingAdmin.linked, Task.document.field.related_model)
    list_display = ("document_name", "state", "why", "step", "bar", "age", "owner")
    list_filter = ("status", "lane", CauseFilter, LastRunFilter, "created_at")
    search_fields = ("document__name", "owner__username", "error_message")
    search_help_text = _("Document, owner, error or the task's id")
    list_select_related = ("document", "owner", "outbox")
    inlines = (TaskDetailInline, TaskEventInline)
    actions = ("retry_selected", "cancel_selected")
    change_form_template = "admin/tasks/task/change_form.html"
    fields = (
        "id", "document_link", "owner_link", "state", "bar", "step", "age", "why", "attempt",
        "lane", "options", "created_at", "started_at", "completed_at", "celery_results",
    )  # fmt: skip
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Task]":
        ahead = TaskDetail.objects.filter(task=OuterRef("pk")).exclude(status=Status.COMPLETED)
        current = ahead.order_by("step_order")
        tasks: QuerySet[Task] = super().get_queryset(request)
        return tasks.annotate(
            current_step=Subquery(current.values("step_type")[:1]),
            current_reason=Subquery(current.values("error_message")[:1]),
        )

    def of_id(self, pk: UUID) -> Q:
        return Q(pk=pk) | Q(document_id=pk)

    def of_word(self, word: str) -> Q:
        """Searches each table separately: a join took about twice as long."""
        documents = Task.document.field.related_model._default_manager.filter(name__icontains=word)
        named = Q(document__in=documents.values("pk")) | of_owner(word)
        return named | Q(error_message__icontains=word)

    def get_fields(self, request: HttpRequest, obj: Task | None = None) -> Any:
        told = super().get_fields(request, obj)
        if self.may_see(request, TaskResult):
            return told
        return [name for name in told if name != "celery_results"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a task is deleted with its document

    # -- columns -----------------------------------------------------------------------------

    @admin.display(description=_("document"), ordering="document__name")
    def document_name(self, task: Task) -> str:
        return str(task.document or task.pipeline)

    @admin.display(description=_("document"))
    def document_link(self, task: Task) -> str:
        return link(task, task.document)

    @admin.display(description=_("Celery results"))
    def celery_results(self, task: Task) -> str:
        address = reverse("admin:django_celery_results_taskresult_changelist")
        return format_html('<a href="{}?q={}">{}</a>', address, task.pk, _("Messages of this task"))

    @admin.display(description=_("status"), ordering="status")
    def state(self, task: Task) -> str:
        return format_html(
            '<span class="state state-{}">{}</span>', task.status.lower(), task.get_status_display()
        )

    @admin.display(description=_("progress"), ordering="progress")
    def bar(self, task: Task) -> str:
        return format_html('<progress max="100" value="{0}">{0}%</progress> {0}%', task.progress)

    @admin.display(description=_("step"))
    def step(self, task: Task) -> str:
        current = getattr(task, "current_step", None)
        return pipelines.label(task.pipeline, current) if current else "–"

    @admin.display(description=_("age"), ordering="created_at")
    def age(self, task: Task) -> str:
        lasted = (task.completed_at or timezone.now()) - task.created_at
        if lasted < timedelta(minutes=1):
            return in_seconds(lasted)
        return timesince(task.created_at, task.created_at + lasted, depth=1)

    @admin.display(description=_("why"), ordering="error_code")
    def why(self, task: Task) -> str:
        """Why it failed, or what it is waiting for."""
        reason = task.error_message or getattr(task, "current_reason", None)
        return translated(reason) or _turn(getattr(task, "outbox", None)) or "–"

    # -- actions -----------------------------------------------------------------------------

    @admin.action(description=_("Retry from the failed step"), permissions=["change"])
    def retry_selected(self, request: HttpRequest, queryset: "QuerySet[Task]") -> None:
        chosen = self.first_of(request, queryset, status__in=FAILED_OR_CANCELLED)
        self._act(request, chosen, services.retry)

    @admin.action(description=_("Cancel"), permissions=["change"])
    def cancel_selected(self, request: HttpRequest, queryset: "QuerySet[Task]") -> None:
        self._act(request, self.first_of(request, queryset, status__in=LIVE), services.cancel)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Accepts only the buttons; no other posted field is read."""
        pressed = object_id is not None and request.method == "POST"
        task = self.get_object(request, unquote(object_id or "")) if pressed else None
        if task is None:
            return super().changeform_view(request, object_id, *args, **kwargs)
        if not self.has_change_permission(request, task):
            raise PermissionDenied
        for name, act in (("_retry", services.retry), ("_cancel", services.cancel)):
            if name in request.POST:
                self._act(request, Task.objects.filter(pk=task.pk), act)
        return HttpResponseRedirect(request.get_full_path())

    def history_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        """Translates the log to the user's language."""
        page = super().history_view(*args, **kwargs)
        for entry in getattr(page, "context_data", {}).get("action_list", ()):
            entry.change_message = translated(entry.change_message)
        return page

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.retry_cause)
        return [path("retry-cause/", view, name="tasks_task_retry_cause"), *super().get_urls()]

    def retry_cause(self, request: HttpRequest) -> HttpResponse:
        """Retry tasks that failed for one cause, the earliest first."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method != "POST":  # redirected here after signing in again
            return HttpResponseRedirect(reverse("admin:index"))
        failed = overview.failed_by(request.POST.get("error_code", ""))
        self._act(request, self.first_of(request, failed), services.retry)
        return HttpResponseRedirect(reverse("admin:index"))

    def _act(self, request: HttpRequest, queryset: "QuerySet[Task]", act: Action) -> None:
        done, skipped = 0, []
        for task in queryset.select_related("document"):
            try:
                act(task.pk, by_id=request.user.pk)
            except WrongState as error:
                skipped.append(of_one(task.document or task.pk, translated(error.message)))
                continue
            except Task.DoesNotExist:
                skipped.append(of_one(task.document or task.pk, GONE))
                continue
            done += 1
            self.log_change(request, task, _LOGGED[act.__name__])
        if done:
            told = _TOLD[act.__name__](done)
            self.message_user(request, told % {"n": done})
        self._tell_skipped(request, skipped)

    def _tell_skipped(self, request: HttpRequest, skipped: list[str]) -> None:
        for sentence in skipped[:MOST_NAMED]:
            self.message_user(request, sentence, messages.WARNING)
        if (more := len(skipped) - MOST_NAMED) > 0:
            told = ngettext("%(n)d more was skipped.", "%(n)d more were skipped.", more)
            self.message_user(request, told % {"n": more}, messages.WARNING)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        task = kwargs.get("obj")
        context["subtitle"] = self.document_name(task) if task else None
        context["can_cancel"] = task is not None and task.status in LIVE
        context["can_retry"] = task is not None and task.status in FAILED_OR_CANCELLED
        return super().render_change_form(request, context, *args, **kwargs)


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Workers that consume the queue, as last seen by the sweeper."""

    list_display = ("name", "slots", "seen_at")
    ordering = ("-seen_at",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
