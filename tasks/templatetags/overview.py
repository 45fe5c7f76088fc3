"""The overview on the first page of the admin."""

from collections.abc import Iterator, Sequence
from typing import Any

from django import template
from django.urls import reverse
from django.utils.http import urlencode

from tasks import overview
from tasks.overview import Hour
from tasks.sentences import translated

register = template.Library()
BAR, GAP, HEIGHT = 10, 2, 60  # of a plot, in units of its own


@register.simple_tag(takes_context=True, name="overview")
def look(context: template.Context) -> overview.Overview | None:
    """None for who may not see tasks."""
    user = context["request"].user
    return overview.look() if user.has_perm("tasks.view_task") else None


@register.simple_tag
def tasks_url(**filters: str) -> str:
    """The list of tasks, narrowed."""
    return f"{reverse('admin:tasks_task_changelist')}?{urlencode(filters)}"


@register.filter
def reason(sentence: str | None) -> str:
    return translated(sentence or "–")


@register.filter
def most_in_an_hour(hours: Sequence[Hour]) -> int:
    return max(hour.completed + hour.failed for hour in hours)


@register.filter
def throughput_bars(hours: Sequence[Hour]) -> Iterator[dict[str, Any]]:
    """A bar for each hour: what was completed, and on it what failed."""
    unit = HEIGHT / max(1, most_in_an_hour(hours))
    for at, hour in enumerate(hours):
        done, failed = hour.completed * unit, hour.failed * unit
        yield {
            "hour": hour,
            "x": at * (BAR + GAP),
            "done_y": HEIGHT - done, "done": done,
            "failed_y": HEIGHT - done - failed, "failed": failed,
        }  # fmt: skip


@register.filter
def failure_bars(hours: Sequence[Hour]) -> Iterator[dict[str, Any]]:
    """A bar for each hour: the share that failed, of the whole height."""
    for at, hour in enumerate(hours):
        height = hour.failure_rate * HEIGHT
        percent = round(100 * hour.failure_rate)
        yield {
            "hour": hour, "x": at * (BAR + GAP), "y": HEIGHT - height, "height": height,
            "percent": percent,
        }  # fmt: skip
