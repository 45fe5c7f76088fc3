"""The sockets: whole snapshots of tasks as they change, and a few commands."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable
from typing import Any
from uuid import UUID

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db.models import QuerySet

from tasks import events, hub, services, watching
from tasks.authentication import SUBPROTOCOL, credentials_in
from tasks.exceptions import WrongState
from tasks.hub import RECENT, Update, Watch
from tasks.models import Task
from tasks.watching import Watcher

log = structlog.get_logger(__name__)
COME_BACK, NOT_SIGNED_IN, NOT_FOUND, TOO_MANY = 1000, 4401, 4404, 4429
GONE = {"signed_out": NOT_SIGNED_IN, "deleted": NOT_FOUND, "no_longer_staff": COME_BACK}
COMMANDS, COMMANDS_SECONDS = 60, 10  # at most so many commands in so many seconds


class TasksConsumer(AsyncWebsocketConsumer):
    """`/ws/tasks/`: all tasks of one user. `/ws/tasks/{id}/` narrows it to one."""

    channel_layer_alias = "none"  # the hub listens for all sockets
    counted_from, commands = 0.0, 0  # commands since that time

    async def __call__(self, *args: Any) -> None:
        async with contextlib.AsyncExitStack() as self.held:  # however it ends
            await super().__call__(*args)

    async def connect(self) -> None:
        offered = self.scope.get("subprotocols", [])
        await self.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        self.watcher = Watcher(self.scope["user"], credentials_in(self.scope), self._language())
        self.seen: dict[str, int] = {}  # the last seq sent, of live tasks
        self.ended: dict[str, int] = {}  # of those that ended last: pushes may be late
        if refusal := await self._refusal():
            await self.close(refusal)
            return
        # Watch before reading, so that nothing falls between the two.
        watch = await self.held.enter_async_context(hub.watch(self._group(), self.watcher))
        newest_first = await watch.read(self._first())
        await self._send_all(reversed(newest_first))
        self.held.callback(asyncio.create_task(self._tell(watch)).cancel)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            answer = self._refused() or await self._answer(json.loads(text_data or ""))
        except (ValueError, RecursionError):
            answer = {"error": "Invalid JSON format"}
        except Exception:
            log.exception("socket_command_failed")
            answer = {"error": "Internal error"}
        await self.send(json.dumps(answer))

    # -- what differs for the socket of one task ---------------------------------------------

    def _group(self) -> str:
        return events.user_group(self.user.pk)

    def _first(self) -> "QuerySet[Task]":
        return self._mine().order_by("-updated_at")[:RECENT]

    def _mine(self) -> "QuerySet[Task]":
        return Task.objects.filter(owner=self.user)

    async def _missing(self) -> bool:
        return False

    def _addressed(self, message: dict[str, Any]) -> "QuerySet[Task]":
        return self._mine().filter(pk=UUID(str(message.get("task_id"))))

    # -- connecting --------------------------------------------------------------------------

    @property
    def user(self) -> Any:
        return self.watcher.user

    def _language(self) -> str:
        header = dict(self.scope["headers"]).get(b"accept-language", b"")
        chosen = self.scope.get("session", {}).get(watching.SESSION_LANGUAGE)
        return watching.language_of(chosen or header.decode("latin-1"))

    async def _refusal(self) -> int | None:
        if not self.user.is_authenticated:
            return NOT_SIGNED_IN
        if await self._missing():
            return NOT_FOUND
        if watching.is_full(self.user.pk):
            return TOO_MANY
        self.held.enter_context(watching.place(self.user.pk))
        return None

    # -- sending -----------------------------------------------------------------------------

    async def _tell(self, watch: Watch) -> None:
        while not watch.gone:
            await self._send_all(await watch.next())
        await self.close(GONE[watch.gone])

    async def _send_all(self, updates: Iterable[Update]) -> None:
        """Send those that are newer than what was sent."""
        for update in updates:
            if update.seq > max(told.get(update.task_id, 0) for told in (self.seen, self.ended)):
                self._remember(update)
                await self.send(update.text(self.watcher.language))

    def _remember(self, update: Update) -> None:
        self.seen.pop(update.task_id, None)
        self.ended.pop(update.task_id, None)
        kept = self.ended if update.has_ended else self.seen
        kept[update.task_id] = update.seq
        if len(self.ended) > RECENT:
            del self.ended[next(iter(self.ended))]  # the one that ended first

    # -- commands ----------------------------------------------------------------------------

    def _refused(self) -> dict[str, str] | None:
        """The answer to too many commands, without looking at them."""
        now = time.monotonic()
        if now - self.counted_from > COMMANDS_SECONDS:
            self.counted_from, self.commands = now, 0
        self.commands += 1
        return {"error": "Too many commands"} if self.commands > COMMANDS else None

    async def _answer(self, message: Any) -> dict[str, Any]:
        command = message.get("command") if isinstance(message, dict) else None
        if command == "ping":
            return {"command": "pong"}
        if command == "cancel" and message.keys() <= {"command", "task_id"}:
            return {"command": "cancel", **await self._cancel(message)}
        return {"error": "Unknown command"}

    @database_sync_to_async
    def _cancel(self, message: dict[str, Any]) -> dict[str, str]:
        try:
            task = self._addressed(message).get()
            services.cancel(task.pk, by_id=self.user.pk)
        except WrongState:
            return {"result": "already_finished"}
        except (ValueError, Task.DoesNotExist):
            return {"result": "not_found"}
        return {"result": "accepted"}


class TaskConsumer(TasksConsumer):
    """`/ws/tasks/{task_id}/`: one task, for its owner or for staff."""

    def _group(self) -> str:
        return events.task_group(self._task_id())

    def _task_id(self) -> UUID:
        found: UUID = self.scope["url_route"]["kwargs"]["task_id"]
        return found

    def _mine(self) -> "QuerySet[Task]":
        tasks = Task.objects.filter(pk=self._task_id())
        return tasks if self.user.is_staff else tasks.filter(owner=self.user)

    async def _missing(self) -> bool:
        return not await self._mine().aexists()

    def _addressed(self, message: dict[str, Any]) -> "QuerySet[Task]":
        own = super()._mine().filter(pk=self._task_id())  # staff watch here, and act in the admin
        return own.filter(pk=UUID(str(message.get("task_id") or self._task_id())))


class UnknownPathConsumer(AsyncWebsocketConsumer):
    """Any other path: accepted only so that the close code says why."""

    async def connect(self) -> None:
        await self.accept()
        await self.close(NOT_FOUND)
