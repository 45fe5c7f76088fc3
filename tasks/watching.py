"""What sockets and event streams have in common: who watches, and what they are shown."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import structlog
from channels.db import database_sync_to_async
from django.conf import settings
from django.db.models import QuerySet
from django.utils import translation

from tasks import events
from tasks.authentication import Credentials
from tasks.events import Push, TaskSnapshot
from tasks.models import Task

log = structlog.get_logger(__name__)
REREAD_SECONDS = 5  # the channel layer drops messages silently; Postgres does not
CHECK_SECONDS = 30  # between two looks whether somebody is still signed in
LAYER_SECONDS = 2  # to join a group; nobody waits longer for pushes than for the snapshot itself
_open: Counter[int] = Counter()  # sockets and streams of this process, by user


def is_full(user_id: int) -> bool:
    return _open[user_id] >= int(settings.SOCKETS_PER_USER)


@contextlib.contextmanager
def place(user_id: int) -> Iterator[None]:
    """Count as one who watches."""
    _open[user_id] += 1
    try:
        yield
    finally:
        _open[user_id] -= 1


def language_of(accepted: str) -> str:
    """The first language of an `Accept-Language` header that there is."""
    for part in accepted.split(","):
        with contextlib.suppress(LookupError):
            return translation.get_supported_language_variant(part.split(";")[0].strip())
    return str(settings.LANGUAGE_CODE)


@dataclass
class Watcher:
    """Somebody who watches, as long as they are signed in."""

    user: Any
    credentials: Credentials
    language: str
    _asked_at: float = field(default_factory=time.monotonic)

    def localised(self, push: Push) -> TaskSnapshot:
        with translation.override(self.language):
            return events.localised(push)

    @database_sync_to_async
    def snapshots(self, tasks: "QuerySet[Task]") -> list[TaskSnapshot]:
        with translation.override(self.language):
            return [events.snapshot(task) for task in events.with_details(tasks)]

    async def is_gone(self) -> bool:
        """Whether the sign-in has ended; the database is asked every CHECK_SECONDS."""
        if time.monotonic() - self._asked_at < CHECK_SECONDS:
            return False
        self._asked_at = time.monotonic()
        user = await database_sync_to_async(self.credentials.user)()
        is_gone = bool(user.pk != self.user.pk)
        self.user = user  # who may no longer be of the staff
        return is_gone


async def ask_layer(layer: Any, wish: str, group: str, channel: str) -> bool:
    """Join or leave the group. False while the layer is away: rereading has to do then."""
    try:
        async with asyncio.timeout(LAYER_SECONDS):
            await getattr(layer, wish)(group, channel)
    except Exception as error:  # noqa: BLE001 - whatever the layer raises, watching works
        log.warning("channel_layer_unavailable", wish=wish, error=type(error).__name__)
        return False
    return True
