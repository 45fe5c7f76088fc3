"""Celery tasks that are not steps, and what a worker does when it starts."""

from contextlib import suppress
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from celery import shared_task
from celery.signals import beat_init, worker_init, worker_process_init
from django.core.management import call_command

from documents import graphs, services, spaces
from documents.embeddings import client as embeddings
from documents.extraction.sandbox.client import sandbox
from documents.reindexing import reindex
from tasks.authentication import forget_expired_tokens
from tasks.outbox import BROKER_AWAY

SIGN_INS_KEPT_DAYS = 90


@worker_init.connect
def import_client(**_: Any) -> None:
    """Once, before the worker forks."""
    embeddings.warm_up()


@worker_process_init.connect
def start_reader(**_: Any) -> None:
    """Start the reader process: its imports take seconds, which no document should wait for."""
    sandbox().start()


@shared_task(name="housekeeping", ignore_result=False)
def housekeeping() -> int:
    """Remove orphaned files, expired vectors, tokens and sessions, and old logs of sign-ins.
    Celery's own beat entry removes old results."""
    spaces.forget_expired()
    forget_expired_tokens()
    call_command("clearsessions")
    AxesProxyHandler.reset_logs(age_days=SIGN_INS_KEPT_DAYS)
    return services.remove_orphaned_files()


@shared_task(name="build_graph", soft_time_limit=86_400, time_limit=86_400)
def build_graph() -> None:
    """Build the index of vectors, once a search needs it."""
    space = spaces.active()
    if not graphs.is_there(space) and graphs.are_needed():
        graphs.ensure(space)


@shared_task(name="reindex_words")
def reindex_words() -> None:
    """Reindex what earlier versions wrote, in some 20 seconds of each minute."""
    reindex(seconds=20)


@beat_init.connect
def catch_up(**_: Any) -> None:
    """A restarted beat may have missed a run."""
    with suppress(*BROKER_AWAY):
        housekeeping.delay()
