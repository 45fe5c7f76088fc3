"""The Celery application and its settings: messages are hints, Postgres is the truth."""

import os
from typing import Any

from celery import Celery
from celery.app.amqp import AMQP
from celery.schedules import crontab
from celery.signals import setup_logging
from django.conf import settings
from kombu import Connection

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "notebook.settings")

SOFT_LIMIT_SECONDS = 600
HARD_LIMIT_SECONDS = 1200


class QuickConnection(Connection):
    """Looks for its broker again every two seconds; kombu's own pauses grow to half a minute."""

    def ensure_connection(self, *args: Any, **values: Any) -> Any:
        pauses = {"interval_start": 1, "interval_step": 1, "interval_max": 1}
        return super().ensure_connection(*args, **pauses | values)


class QuickAMQP(AMQP):
    Connection = QuickConnection


app = Celery("notebook", amqp=QuickAMQP, fixups=["notebook.worker_database:fixup"])
app.conf.update(
    broker_url=settings.REDIS_URL,
    task_default_queue="document_processing",
    # JSON alone: a pickle in the broker would be a program that somebody else wrote
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    result_accept_content=["json"],
    # --- Who runs a message again, and who does not: the sweeper does, a bounded number of times
    task_acks_late=True,  # a deploy hands unfinished messages to the next worker
    task_reject_on_worker_lost=False,  # else a file that kills its worker loops for ever
    task_retry_on_worker_lost=False,  # it waits three minutes and knows no other worker's tries
    task_acks_on_failure=True,
    task_acks_on_timeout=True,  # else a hard limit is reached again and again
    task_soft_time_limit=SOFT_LIMIT_SECONDS,
    task_time_limit=HARD_LIMIT_SECONDS,
    # --- Sending
    task_publish_retry=False,  # the outbox tries again, and never in a person's request
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # a worker waits for its broker for as long as it takes
    broker_transport_options={
        # Above the hard limit, or a long step's message would be given to a second worker.
        "visibility_timeout": 4 * HARD_LIMIT_SECONDS,
        # Without these a broker that is frozen, not closed, blocks its clients for ever.
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "max_retries": 0,  # of a connection for sending: the outbox tries again
        "health_check_interval": 15,
        # What a killed worker had taken comes back in 10 s after its time, not in 100.
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
    },
    # --- Workers
    worker_prefetch_multiplier=1,  # a short document does not hide behind a long one
    worker_max_tasks_per_child=500,  # libraries leak
    # On SIGTERM (remapped to SIGQUIT) steps have so long to finish; then their messages go back.
    worker_soft_shutdown_timeout=4,
    worker_enable_soft_shutdown_on_idle=False,
    # A lost broker is no reason to stop good work: claims make a second delivery harmless.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # --- What staff see. A step's own row tells all of it; Celery keeps what went wrong around it.
    result_backend="django-db",
    task_ignore_result=True,
    task_store_errors_even_if_ignored=True,
    task_track_started=True,
    result_extended=True,  # the admin shows a result's name and arguments, which are ids
    result_expires=7 * 86_400,
    # In memory: a file of its own would end it on a full disk, and to miss a turn is no loss
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule={
        "housekeeping": {"task": "housekeeping", "schedule": crontab(minute="*/15")},
        # Every minute, and no more than one that waits.
        "build_graph": {"task": "build_graph", "schedule": 60, "options": {"expires": 60}},
        "reindex_words": {"task": "reindex_words", "schedule": 60, "options": {"expires": 60}},
    },
)
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Somebody listens, so Celery leaves LOG_LEVEL and our handlers as they are."""
