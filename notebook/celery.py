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
    """Retries its broker every two seconds; kombu's own pauses grow to half a minute."""

    def ensure_connection(self, *args: Any, **values: Any) -> Any:
        pauses = {"interval_start": 1, "interval_step": 1, "interval_max": 1}
        return super().ensure_connection(*args, **pauses | values)


class QuickAMQP(AMQP):
    Connection = QuickConnection


app = Celery("notebook", amqp=QuickAMQP, fixups=["notebook.worker_database:fixup"])
app.conf.update(
    broker_url=settings.REDIS_URL,
    task_default_queue="document_processing",
    # JSON only: unpickling a message would run whatever somebody put into the broker
    task_serializer="json",
    result_serializer="json",
    accept_content=["json"],
    result_accept_content=["json"],
    # --- Redelivery: only the sweeper reruns a step, a bounded number of times
    task_acks_late=True,  # a deploy hands unfinished messages to the next worker
    task_reject_on_worker_lost=False,  # else a file that kills its worker loops for ever
    task_retry_on_worker_lost=False,  # it waits 3 minutes and ignores other workers' tries
    task_acks_on_failure=True,
    task_acks_on_timeout=True,  # else a message would hit the hard limit again and again
    task_soft_time_limit=SOFT_LIMIT_SECONDS,
    task_time_limit=HARD_LIMIT_SECONDS,
    # --- Sending
    task_publish_retry=False,  # the outbox tries again, and never in a person's request
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # a worker waits for its broker for as long as it takes
    broker_transport_options={
        # Above the hard limit, or a long step's message would be given to a second worker.
        "visibility_timeout": 4 * HARD_LIMIT_SECONDS,
        # Without these a frozen broker blocks its clients for ever.
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "max_retries": 0,  # when sending: the outbox tries again
        "health_check_interval": 15,
        # A killed worker's messages come back within 10 s of their visibility timeout, not 100.
        "unacked_restore_interval": 10,
        "unacked_restore_throttle": 1,
    },
    # --- Workers
    worker_concurrency=settings.WORKER_CONCURRENCY,
    worker_prefetch_multiplier=1,  # else a short document could wait behind a long one
    worker_max_tasks_per_child=500,  # libraries leak
    # On SIGTERM (remapped to SIGQUIT): seconds for steps to finish before messages are requeued.
    worker_soft_shutdown_timeout=4,
    worker_enable_soft_shutdown_on_idle=False,
    # A lost broker need not stop running steps: claims make a second delivery harmless.
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # --- Results, for staff only: a step's row tells its outcome; Celery stores errors around it.
    result_backend="django-db",
    task_ignore_result=True,
    task_store_errors_even_if_ignored=True,
    task_track_started=True,
    result_extended=True,  # the admin shows a result's name and arguments, which are ids
    result_expires=7 * 86_400,
    # In memory: beat would die if its file hit a full disk, and missing a run does no harm
    beat_scheduler="celery.beat:Scheduler",
    beat_schedule={
        "housekeeping": {"task": "housekeeping", "schedule": crontab(minute="*/15")},
        # Every minute, with at most one message waiting.
        "build_graph": {"task": "build_graph", "schedule": 60, "options": {"expires": 60}},
        "reindex_words": {"task": "reindex_words", "schedule": 60, "options": {"expires": 60}},
    },
)
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """A receiver of this signal keeps Celery from changing LOG_LEVEL and our handlers."""
