"""Server-sent events: their format, and the snapshots of one task as a stream of them.

For clients behind proxies that let no sockets through.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer

from tasks import events, hub, watching
from tasks.hub import Update, Watch
from tasks.models import Task
from tasks.watching import Watcher

KEEP_ALIVE_SECONDS = 15  # proxies close what is silent for a minute
RETRY_MILLISECONDS = 2000  # a browser's pause before it comes back


class EventStreamRenderer(BaseRenderer):
    """Lets clients accept `text/event-stream`; what it renders is the answer to an OPTIONS."""

    media_type = "text/event-stream"
    format = "sse"

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        return json.dumps(data).encode()


def event(data: str, **fields: Any) -> str:
    """One event with that line of data, and other fields of the format, such as `id`."""
    lines = [f"{name}: {value}" for name, value in fields.items()]
    return "\n".join([*lines, f"data: {data}", "", ""])


def comment(words: str) -> str:
    """A sign of life that clients don't see."""
    return f": {words}\n\n"


def response(lines: AsyncIterator[str]) -> StreamingHttpResponse:
    stream = StreamingHttpResponse(lines, content_type="text/event-stream")
    stream["Cache-Control"] = "no-store"
    stream["X-Accel-Buffering"] = "no"  # nginx passes it on as it comes
    return stream


async def follow(task_id: UUID, watcher: Watcher, last_seq: int) -> AsyncGenerator[str, None]:
    """The task's snapshots that are newer than `last_seq`, until it ends, or the sign-in does.

    The `id` of each is its `seq`.
    """
    group, rows = events.task_group(task_id), Task.objects.filter(pk=task_id)
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
    """None when there was nothing for KEEP_ALIVE_SECONDS."""
    try:
        return await asyncio.wait_for(watch.next(), KEEP_ALIVE_SECONDS)
    except TimeoutError:
        return None
