"""Distributes snapshots of tasks to all watchers (sockets and streams) of this process.

However many there are, a push is decoded once and serialised once per language, one reader looks in
Postgres for what the channel layer lost, and each sign-in is checked once. A slow watcher gets only
the newest snapshot of each task.
"""

import asyncio
import contextlib
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Literal

import structlog
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db.models import QuerySet
from django.utils import translation

from tasks import events, rows
from tasks.authentication import Credentials
from tasks.events import Push
from tasks.models import TERMINAL, Task
from tasks.watching import Watcher

log = structlog.get_logger(__name__)
REREAD_SECONDS = 5  # the channel layer drops messages silently; Postgres does not
CHECK_SECONDS = 30  # between two checks of a sign-in
LAYER_SECONDS = 2  # to join a group; a socket must not wait for the layer to send its snapshot
RECENT = 200  # tasks of a user that are looked at: those that changed last
_NEWEST = f"""
    SELECT newest.* FROM unnest(%(users)s::bigint[]) owner (id) CROSS JOIN LATERAL (
        SELECT id, seq FROM {Task._meta.db_table} WHERE owner_id = owner.id
        ORDER BY updated_at DESC LIMIT {RECENT}
    ) newest
"""  # noqa: S608 - a name of our own
Gone = Literal["", "signed_out", "deleted", "no_longer_staff"]


class Update:
    """A snapshot for many watchers."""

    def __init__(self, push: Push) -> None:
        self._push, self._texts = push, dict[str, str]()
        snapshot = push["snapshot"]
        self.task_id, self.seq = snapshot["task_id"], snapshot["seq"]
        self.has_ended = snapshot["status"] in TERMINAL
        self.groups = events.groups(snapshot["task_id"], push["owner_id"])

    def text(self, language: str) -> str:
        """The snapshot as JSON, with names in that language."""
        if language not in self._texts:
            with translation.override(language):
                localised = events.localised(self._push)
            self._texts[language] = json.dumps(localised, ensure_ascii=False)
        return self._texts[language]


def read(tasks: "QuerySet[Task]") -> list[Update]:
    """The state of each in Postgres."""
    return [Update(events.push_of(task)) for task in events.with_details(tasks)]


class Watch:
    """The pending updates of one watcher: the newest of each task."""

    def __init__(self, watcher: Watcher, live: dict[str, None]) -> None:
        self.watcher = watcher
        self.gone: Gone = ""
        self._live = live  # the hub's: tasks to reread
        self._waiting: dict[str, Update] = {}
        self._news = asyncio.Event()

    async def read(self, tasks: "QuerySet[Task]") -> list[Update]:
        """The current state of each, for a new watcher."""
        found: list[Update] = await database_sync_to_async(read)(tasks)
        self._live.update((update.task_id, None) for update in found if not update.has_ended)
        return found

    def offer(self, update: Update) -> None:
        self._waiting.pop(update.task_id, None)
        self._waiting[update.task_id] = update
        self._news.set()

    def end(self, why: Gone) -> None:
        self.gone = why
        self._news.set()

    async def next(self) -> list[Update]:
        """Wait for updates; an empty list means that the watcher is `gone`."""
        await self._news.wait()
        self._news.clear()
        taken, self._waiting = list(self._waiting.values()), {}
        return taken


class Hub:
    """One per event loop, for as long as it has watchers."""

    def __init__(self) -> None:
        self._layer: Any = get_channel_layer()
        self._watches: defaultdict[str, set[Watch]] = defaultdict(set)  # by group
        self._joined: set[str] = set()
        self._newest: dict[str, int] = {}  # the last `seq` delivered, by task
        # Tasks that had not ended when last delivered; in that order, as only the last are kept.
        self.live: dict[str, None] = {}
        self._checked_at = time.monotonic()
        self._running: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._channel = await self._layer.new_channel()
        for work in (self._receive, self._look):
            self._running.append(asyncio.create_task(work()))

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._layer.delete_channel(self._channel)

    async def add(self, group: str, watch: Watch) -> None:
        self._watches[group].add(watch)
        if group not in self._joined:
            await self._join(group)

    async def remove(self, group: str, watch: Watch) -> None:
        self._watches[group].discard(watch)
        if not self._watches[group]:
            del self._watches[group]
            self._joined.discard(group)
            await self._ask_layer("group_discard", group)

    @property
    def is_idle(self) -> bool:
        return not self._watches

    # -- what is pushed ----------------------------------------------------------------------

    async def _join(self, group: str) -> bool:
        """False while the layer is down: then only rereading finds changes."""
        if await self._ask_layer("group_add", group):
            self._joined.add(group)
        return group in self._joined

    async def _ask_layer(self, wish: str, group: str) -> bool:
        try:
            async with asyncio.timeout(LAYER_SECONDS):
                await getattr(self._layer, wish)(group, self._channel)
        except Exception as error:  # noqa: BLE001 - whatever the layer raises, rereading works
            log.warning("channel_layer_unavailable", wish=wish, error=type(error).__name__)
            return False
        return True

    async def _receive(self) -> None:
        while True:
            push = await self._layer.receive(self._channel)
            with contextlib.suppress(KeyError):  # from another version; rereading finds it
                self._deliver(Update(push))

    def _deliver(self, update: Update) -> None:
        """Offer it to all who watch the task, unless they got something newer."""
        if update.seq <= self._newest.get(update.task_id, 0):
            return
        watches = [each for group in update.groups for each in self._watches.get(group, ())]
        self._remember(update, is_watched=bool(watches))
        for watch in watches:
            watch.offer(update)

    def _remember(self, update: Update, *, is_watched: bool) -> None:
        self.live.pop(update.task_id, None)
        self._newest.pop(update.task_id, None)
        if is_watched:
            self._newest[update.task_id] = update.seq
            self.live.update(() if update.has_ended else [(update.task_id, None)])
        if len(self.live) > RECENT * len(self._watches):
            del self.live[next(iter(self.live))]

    # -- what is looked for ------------------------------------------------------------------

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(REREAD_SECONDS)
            await self._join_what_is_left()
            await _try(self._reread())
            if time.monotonic() - self._checked_at >= CHECK_SECONDS:
                self._checked_at = time.monotonic()
                await _try(self._check())

    async def _join_what_is_left(self) -> None:
        for group in set(self._watches) - self._joined:
            if group in self._watches and not await self._join(group):
                return  # joining the others would fail too

    async def _reread(self) -> None:
        watched, users = events.parse_groups(self._watches)
        asked = watched | self.live.keys()
        found = await database_sync_to_async(_seqs)(asked, users)
        changed = [task for task, seq in found.items() if seq > self._newest.get(task, 0)]
        for update in await database_sync_to_async(read)(Task.objects.filter(pk__in=changed)):
            self._deliver(update)
        for task in watched - set(found):
            for each in self._watches.get(events.task_group(task), ()):
                each.end("deleted")
        for task in asked - set(found):  # but not what was added meanwhile
            self.live.pop(task, None)
        self._newest = {task: self._newest[task] for task in self._newest if task in found}

    async def _check(self) -> None:
        """End watches of people who are signed out or, no longer staff, may not watch all of it."""
        everyone = {watch for watches in self._watches.values() for watch in watches}
        known = await database_sync_to_async(_users)({w.watcher.credentials for w in everyone})
        for watch in everyone:
            before, user = watch.watcher.user, known[watch.watcher.credentials]
            if user.pk != before.pk:
                watch.end("signed_out")
            elif before.is_staff and not user.is_staff:
                watch.end("no_longer_staff")  # they may reconnect to their own tasks
            watch.watcher.user = user


def _seqs(watched: set[str], users: set[int]) -> dict[str, int]:
    """The `seq` of those tasks, and of the tasks of those users that changed last."""
    told = Task.objects.filter(pk__in=watched).values_list("pk", "seq")
    newest = rows.every(_NEWEST, {"users": list(users)})
    return {str(pk): seq for pk, seq in [*told, *newest]}


def _users(every: set[Credentials]) -> dict[Credentials, Any]:
    return {credentials: credentials.user() for credentials in every}


async def _try(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 - Postgres is down, for instance; the next round retries
        log.warning("watched_tasks_not_read", error=type(error).__name__)


_hubs: dict[asyncio.AbstractEventLoop, Hub] = {}


@contextlib.asynccontextmanager
async def watch(group: str, watcher: Watcher) -> AsyncIterator[Watch]:
    """Watch a group from here on. Read the rows after entering this, not before."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = _hubs[loop] = Hub()
        await hub.start()
    found = Watch(watcher, hub.live)
    try:
        await hub.add(group, found)
        yield found
    finally:
        await hub.remove(group, found)
        if hub.is_idle and _hubs.get(loop) is hub:
            del _hubs[loop]
            await hub.stop()
