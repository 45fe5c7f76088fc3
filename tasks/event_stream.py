"""Server-sent events: their format, and the snapshots of one task as a stream of them.

For clients behind proxies that let no sockets through.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from rest_framework.renderers import BaseRenderer

from tasks import events, watching
from tasks.events import Push, TaskSnapshot
from tasks.models import TERMINAL, Task
from tasks.watching import Watcher

KEEP_ALIVE_SECONDS = 15  # proxies close what is silent for a minute
RETRY_MILLISECONDS = 2000  # a browser's pause before it comes back


class EventStreamRenderer(BaseRenderer):
    """Lets clients accept `text/event-stream`; what it renders are problems, which are JSON."""

    media_type = "text/event-stream"
    format = "sse"

    def render(self, data: Any, *_: Any, **__: Any) -> bytes:
        return json.dumps(data).encode()


def event(data: dict[str, Any], **fields: Any) -> str:
    """One event with that data, as JSON, and other fields of the format, such as `id`."""
    lines = [f"{name}: {value}" for name, value in fields.items()]
    return "\n".join([*lines, f"data: {json.dumps(data, ensure_ascii=False)}", "", ""])


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
    with watching.place(watcher.user.pk):
        yield f"retry: {RETRY_MILLISECONDS}\n\n"
        spoken_at = time.monotonic()
        async with contextlib.aclosing(_snapshots(task_id, watcher)) as snapshots:
            async for found in snapshots:
                if found and found["seq"] > last_seq:
                    last_seq, spoken_at = found["seq"], time.monotonic()
                    yield event(dict(found), id=last_seq)
                elif time.monotonic() - spoken_at >= KEEP_ALIVE_SECONDS:
                    spoken_at = time.monotonic()
                    yield comment("nothing new")
                if found and found["seq"] == last_seq and found["status"] in TERMINAL:
                    return


async def _snapshots(task_id: UUID, watcher: Watcher) -> AsyncGenerator[TaskSnapshot | None, None]:
    """What is pushed, and what is read first and now and then; None where a read failed.

    Ends with the sign-in and with the task's row.
    """
    rows = Task.objects.filter(pk=task_id)
    async with _subscribed(events.task_group(task_id)) as pushes:
        push = None
        while not await _is_gone(watcher):
            if push:
                yield watcher.localised(push)
            elif (read := await _read(rows, watcher)) is None or read:
                yield read[0] if read else None
            else:
                return
            push = await pushes.next()


async def _is_gone(watcher: Watcher) -> bool:
    with contextlib.suppress(Exception):  # Postgres away: the next round tells, here and below
        return await watcher.is_gone()
    return False


async def _read(rows: "QuerySet[Task]", watcher: Watcher) -> list[TaskSnapshot] | None:
    with contextlib.suppress(Exception):
        return list(await watcher.snapshots(rows))
    return None


class _Pushes:
    """What comes on a channel. A `receive` is not cancelled before the end: it would be forgotten
    with its channel."""

    def __init__(self, layer: Any, channel: str) -> None:
        self._layer, self._channel = layer, channel
        self._waiting: asyncio.Task[Push] | None = None

    async def next(self) -> Push | None:
        """None when there was none for REREAD_SECONDS."""
        self._waiting = self._waiting or asyncio.ensure_future(self._layer.receive(self._channel))
        done, _ = await asyncio.wait({self._waiting}, timeout=watching.REREAD_SECONDS)
        if not done:
            return None
        push, self._waiting = self._waiting.result(), None
        return push

    async def stop(self) -> None:
        if self._waiting:
            self._waiting.cancel()
            await asyncio.gather(self._waiting, return_exceptions=True)
        await self._layer.delete_channel(self._channel)


@contextlib.asynccontextmanager
async def _subscribed(group: str) -> AsyncIterator[_Pushes]:
    """The pushes to a group; none while the layer is away."""
    layer: Any = get_channel_layer()
    channel = await layer.new_channel()
    pushes = _Pushes(layer, channel)
    try:
        await watching.ask_layer(layer, "group_add", group, channel)
        yield pushes
    finally:
        await watching.ask_layer(layer, "group_discard", group, channel)
        await pushes.stop()
