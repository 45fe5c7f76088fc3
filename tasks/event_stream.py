"""Server-sent events: the format, and the snapshots of one task as an event stream.

For clients behind proxies that block WebSockets.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import BaseRenderer

from tasks import events, hub, watching
from tasks.hub import Update, Watch
from tasks.models import Task
from tasks.watching import Watcher

KEEP_ALIVE_SECONDS = 15  # proxies close connections that are silent for a minute
NO_CHOICE = OpenApiParameter("format", exclude=True)  # a stream has one format
RETRY_MILLISECONDS = 2000  # a browser's pause before it reconnects


class EventStreamRenderer(BaseRenderer):
    """Lets clients accept `text/event-stream`. It renders only the response to OPTIONS."""

    media_type = "text/event-stream"
    format = "sse"

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        return json.dumps(data).encode()


def event(data: str, **fields: Any) -> str:
    """One event with that line of data, and further fields such as `id`."""
    lines = [f"{name}: {value}" for name, value in fields.items()]
    return "\n".join([*lines, f"data: {data}", "", ""])


def comment(words: str) -> str:
    """A comment line, which clients ignore: it keeps the connection alive."""
    return f": {words}\n\n"


def response(lines: AsyncIterator[str]) -> StreamingHttpResponse:
    stream = StreamingHttpResponse(lines, content_type="text/event-stream")
    stream["Cache-Control"] = "no-store"
    stream["X-Accel-Buffering"] = "no"  # nginx must not buffer it
    return stream


async def follow(task_id: UUID, watcher: Watcher, last_seq: int) -> AsyncGenerator[str, None]:
    """Events with the task's snapshots newer than `last_seq`, until the task or the sign-in ends.

    The `id` of an event is the snapshot's `seq`.
    """
    group, rows = events.task_group(task_id), Task.objects.filter(pk=task_id)
    if watching.is_full(watcher.user.pk):  # many were asked for at the same time
        return
    with watching.place(watcher.user.pk):
        yield f"retry: {RETRY_MILLISECONDS}\n\n"
        async with hub.watch(group, watcher) as watch:
            updates = await watch.read(rows)
            while updates or not watch.gone:
                for update in updates:
                    if update.seq > last_seq:
                        last_seq = update.seq
                        yield event(update.text(watcher.language), id=last_seq)
                    if update.has_ended and update.seq == last_seq:
                        return
                if (found := await _next(watch)) is None:
                    yield comment("nothing new")
                updates = found or []


async def _next(watch: Watch) -> list[Update] | None:
    """The next updates; None if there were none for KEEP_ALIVE_SECONDS."""
    try:
        return await asyncio.wait_for(watch.next(), KEEP_ALIVE_SECONDS)
    except TimeoutError:
        return None
