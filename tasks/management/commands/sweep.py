"""Keep promises: take over lost steps, send what was not sent. Run one; a second one waits."""

import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from tasks import sweeper
from tasks.waits import Waker

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Run the sweeper until it is told to stop."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        self._stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        locked = False
        # Apart, because a frozen broker or endpoint must not hold up the rest.
        apart = (sweeper.feed_the_queue, Waker().wake)
        begun: dict[Callable[[], object], Future[None]] = {}
        with ThreadPoolExecutor(len(apart), thread_name_prefix="sweeper") as pool:
            while not self._stop.wait(settings.SWEEP_SECONDS):
                locked = _round(locked)
                for work in apart if locked else ():
                    if work not in begun or begun[work].done():
                        begun[work] = pool.submit(_apart, work)


def _round(locked: bool) -> bool:
    """One sweep; whether we hold the lock."""
    try:
        if not locked:  # workers renew their leases first: Postgres may have been away for all
            return sweeper.try_lock()
        sweeper.sweep()
    except DatabaseError as error:
        log.warning("database_unavailable", error=type(error).__name__)
        sweeper.let_go()
        return False
    except Exception:
        log.exception("sweep_failed")
    return True


def _apart(work: Callable[[], object]) -> None:
    try:
        work()
    except DatabaseError as error:
        log.warning("database_unavailable", error=type(error).__name__)
    except Exception:
        log.exception("sweep_failed")
    finally:
        connection.close()
