"""The inlines of a task's page: its steps with their results, and its history."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import localize, number_format
from django.utils.html import format_html_join
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tasks import history
from tasks.admin.links import LinkingAdmin, link
from tasks.models import Status, Task, TaskDetail, TaskEvent
from tasks.sentences import translated


def described(details: dict[str, Any]) -> str:
    """A step's results, one per line: "ocr_pages: 3" becomes "OCR pages: 3"."""
    lines = [
        (_label(key), _words(value)) for key, value in details.items() if value not in _NOTHING
    ]
    return format_html_join("", '<div class="detail"><b>{}</b>: {}</div>', lines) or "–"


_NOTHING: tuple[Any, ...] = (None, "", [], {})


def _label(key: str) -> str:
    words = key.replace("_", " ").capitalize()
    return gettext(words.replace("Ocr", "OCR"))


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{_label(key)} {_words(each)}" for key, each in value.items())
    if isinstance(value, list):
        return "; ".join(map(_words, value))
    return number_format(value) if type(value) in {int, float} else str(value)


def in_seconds(lasted: timedelta) -> str:
    return gettext("%(n)s s") % {"n": number_format(lasted.total_seconds(), decimal_pos=1)}


class _PartOfTask(LinkingAdmin, admin.TabularInline[Any, Task]):
    """Visible to whoever may view the task; Django would require a permission of its own."""

    can_delete = False
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # checked by the task's page

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TaskDetailInline(_PartOfTask):
    model = TaskDetail
    verbose_name_plural = _("steps")
    fields = (
        "step_name", "state", "progress", "reason", "found", "worker", "duration",
        "failures", "losses",
    )  # fmt: skip
    readonly_fields = fields

    @admin.display(description=_("step"))
    def step_name(self, detail: TaskDetail) -> str:
        return detail.step_name

    @admin.display(description=_("status"))
    def state(self, detail: TaskDetail) -> str:
        """Steps after a failed one are closed with it; nobody cancelled them."""
        closed = detail.status == Status.CANCELLED and detail.started_at is None
        return gettext("Not started") if closed else detail.get_status_display()

    @admin.display(description=_("reason"))
    def reason(self, detail: TaskDetail) -> str:
        return translated(detail.error_message or "–")

    @admin.display(description=_("details"))
    def found(self, detail: TaskDetail) -> str:
        return described(detail.details)

    @admin.display(description=_("duration"))
    def duration(self, detail: TaskDetail) -> str:
        if detail.started_at is None:
            return "–"
        return in_seconds((detail.completed_at or timezone.now()) - detail.started_at)


class TaskEventInline(_PartOfTask):
    model = TaskEvent
    verbose_name_plural = _("history")
    fields = ("when", "event", "by_whom", "attempt", "step_name", "why", "worker")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> "QuerySet[TaskEvent]":
        return super().get_queryset(request).select_related("task", "by")

    @admin.display(description=_("time"))
    def when(self, entry: TaskEvent) -> str:
        first, last = (localize(localtime(each)) for each in (entry.created_at, entry.last_at))
        if entry.times == 1:
            return first
        return gettext("%(first)s to %(last)s, %(n)d times") % {
            "first": first, "last": last, "n": entry.times,
        }  # fmt: skip

    @admin.display(description=_("by"))
    def by_whom(self, entry: TaskEvent) -> str:
        return link(entry, entry.by)

    @admin.display(description=_("step"))
    def step_name(self, entry: TaskEvent) -> str:
        return entry.step_name or "–"

    @admin.display(description=_("reason"))
    def why(self, entry: TaskEvent) -> str:
        known = (history.reason(entry), entry.error_code and f"({entry.error_code})")
        return " ".join(filter(None, known)) or "–"
