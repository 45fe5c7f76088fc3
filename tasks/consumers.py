"""The sockets: whole snapshots of tasks, pushed as they change and read again now and then."""

import asyncio
import contextlib
import json
import time
from typing import Any
from uuid import UUID

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db.models import Q, QuerySet

from tasks import events, services, watching
from tasks.authentication import SUBPROTOCOL, credentials_in
from tasks.events import Push, TaskSnapshot
from tasks.exceptions import WrongState
from tasks.models import LIVE, TERMINAL, Task
from tasks.watching import Watcher

log = structlog.get_logger(__name__)
NOT_SIGNED_IN, NOT_FOUND, TOO_MANY = 4401, 4404, 4429
RECENT = 200  # tasks shown to who opens the socket of all of them
COMMANDS, COMMANDS_SECONDS = 60, 10  # so many are answered in so long
SLOW_SECONDS = 1  # who takes longer to read a message is behind


class TasksConsumer(AsyncWebsocketConsumer):
    """`/ws/tasks/`: all tasks of one user. `/ws/tasks/{id}/` narrows it to one."""

    reader: asyncio.Task[None] | None = None
    counted_from, commands = 0.0, 0  # since then so many
    is_behind = False  # then what was pushed meanwhile is older than what can be read

    async def connect(self) -> None:
        offered = self.scope.get("subprotocols", [])
        await self.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        self.watcher = Watcher(self.scope["user"], credentials_in(self.scope), self._language())
        self.place = contextlib.ExitStack()
        self.seen: dict[str, int] = {}  # the newest seq sent, of tasks that still live
        self.ended: dict[str, int] = {}  # the same of those that ended last: pushes may be late
        refusal = await self._refusal()
        if refusal:
            await self.close(refusal)
            return
        # Join before reading, so that nothing falls between the two.
        self.joined = await self._ask_layer("group_add")
        await self._send_current(self._first())
        self.reader = asyncio.create_task(self._reread())

    @property
    def user(self) -> Any:
        return self.watcher.user

    async def disconnect(self, code: int) -> None:
        self.place.close()
        if self.reader is not None:
            self.reader.cancel()
            await self._ask_layer("group_discard")

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            answer = self._refused() or await self._answer(json.loads(text_data or ""))
        except (ValueError, RecursionError):
            answer = {"error": "Invalid JSON format"}
        except Exception:
            log.exception("socket_command_failed")
            answer = {"error": "Internal error"}
        await self._send_json(answer)

    async def task_event(self, event: Push) -> None:
        """A push from the channel layer."""
        if self.is_behind:
            self.is_behind = False
            await self._send_changes()
        await self._send_newer(self.watcher.localised(event))

    # -- what differs for the socket of one task ---------------------------------------------

    def _group(self) -> str:
        return events.user_group(self.user.pk)

    def _first(self) -> "QuerySet[Task]":
        return self._mine().order_by("-updated_at")[:RECENT]

    def _mine(self) -> "QuerySet[Task]":
        return Task.objects.filter(owner=self.user)

    def _changing(self) -> "QuerySet[Task]":
        """What may have changed since: live tasks, and those this socket last saw alive."""
        return self._mine().filter(Q(status__in=LIVE) | Q(pk__in=list(self.seen)))

    async def _missing(self) -> bool:
        return False

    def _addressed(self, message: dict[str, Any]) -> "QuerySet[Task]":
        return self._mine().filter(pk=UUID(str(message.get("task_id"))))

    # -- connecting --------------------------------------------------------------------------

    async def _refusal(self) -> int | None:
        if not self.user.is_authenticated:
            return NOT_SIGNED_IN
        if await self._missing():
            return NOT_FOUND
        if watching.is_full(self.user.pk):
            return TOO_MANY
        self.place.enter_context(watching.place(self.user.pk))
        return None

    async def _ask_layer(self, wish: str) -> bool:
        """Join or leave the group. False while the layer is away."""
        group, channel = self._group(), self.channel_name
        return await watching.ask_layer(self.channel_layer, wish, group, channel)

    # -- sending -----------------------------------------------------------------------------

    async def _reread(self) -> None:
        while True:
            await asyncio.sleep(watching.REREAD_SECONDS)
            self.joined = self.joined or await self._ask_layer("group_add")
            await self._send_changes()
            with contextlib.suppress(Exception):  # Postgres away: the next round tells
                if await self.watcher.is_gone():
                    await self.close(NOT_SIGNED_IN)
                    return

    async def _send_changes(self) -> None:
        with contextlib.suppress(Exception):  # likewise
            await self._send_current(self._changing())

    async def _send_current(self, tasks: "QuerySet[Task]") -> None:
        for found in reversed(await self.watcher.snapshots(tasks)):
            await self._send_newer(found)

    async def _send_newer(self, found: TaskSnapshot) -> None:
        task_id = found["task_id"]
        if found["seq"] <= max(self.seen.get(task_id, 0), self.ended.get(task_id, 0)):
            return
        self._remember(found)
        await self._send_json(found)

    def _remember(self, found: TaskSnapshot) -> None:
        task_id = found["task_id"]
        self.seen.pop(task_id, None)
        self.ended.pop(task_id, None)
        kept = self.ended if found["status"] in TERMINAL else self.seen
        kept[task_id] = found["seq"]
        if len(self.ended) > RECENT:
            del self.ended[next(iter(self.ended))]  # the one that ended first

    async def _send_json(self, message: Any) -> None:
        began_at = time.monotonic()
        await self.send(json.dumps(message, ensure_ascii=False))
        if time.monotonic() - began_at > SLOW_SECONDS:
            self.is_behind = True

    def _language(self) -> str:
        header = dict(self.scope["headers"]).get(b"accept-language", b"")
        return watching.language_of(header.decode("latin-1"))

    # -- commands ----------------------------------------------------------------------------

    def _refused(self) -> dict[str, str] | None:
        """The answer to a flood, which costs us nothing more."""
        now = time.monotonic()
        if now - self.counted_from > COMMANDS_SECONDS:
            self.counted_from, self.commands = now, 0
        self.commands += 1
        return {"error": "Too many commands"} if self.commands > COMMANDS else None

    async def _answer(self, message: Any) -> dict[str, Any]:
        command = message.get("command") if isinstance(message, dict) else None
        if command == "ping":
            return {"command": "pong"}
        if command == "cancel":
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
        return super()._mine().filter(pk=self._task_id())  # staff watch here, and act in the admin


class UnknownPathConsumer(AsyncWebsocketConsumer):
    """Any other path: accepted only to be able to say why it is closed."""

    async def connect(self) -> None:
        await self.accept()
        await self.close(NOT_FOUND)
