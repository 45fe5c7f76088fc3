"""Celery's handling of Django's connections, except that a worker keeps its pool between tasks.

Celery closes the pool before and after each task, which costs each task new threads and a new
connection. The pool checks a connection before it hands it out, so a restarted Postgres causes no
errors. What Celery does after a fork stays: a child never uses its parent's connections.
"""

from contextlib import suppress
from functools import cached_property
from typing import Any

from celery import Celery
from celery.fixups import django as celerys
from django.db import Error, connections


class _PoolKept(celerys.DjangoWorkerFixup):  # type: ignore[name-defined] # stubs are older
    def on_task_prerun(self, sender: Any, **_: Any) -> None:
        if not sender.request.is_eager:
            _hand_back()

    on_task_postrun = on_task_prerun


class _Fixup(celerys.DjangoFixup):
    @cached_property  # only when a worker asks, because it sets Django up
    def worker_fixup(self) -> _PoolKept:
        return _PoolKept(self.app)


def fixup(app: Celery) -> celerys.DjangoFixup:
    """In the place of Celery's own `celery.fixups.django:fixup`."""
    found = _Fixup(app)
    found.install()
    return found


def _hand_back() -> None:
    for connection in connections.all(initialized_only=True):
        with suppress(Error):
            connection.close()
