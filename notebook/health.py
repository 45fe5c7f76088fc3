"""`/healthz`: the process answers. `/readyz`: what it needs answers too."""

from typing import ClassVar

import psycopg
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from notebook.database import ImpatientConnection

PATHS = ("/healthz", "/readyz")
DATABASE_SECONDS = 2  # libpq's minimum
BROKER_SECONDS = 1


def healthz(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def readyz(_request: HttpRequest) -> JsonResponse:
    """503 while Postgres or the broker is down. Uploads only need Postgres.

    Answers within a few seconds even if both are frozen.
    """
    found = {"database": not why_postgres_is_away(), "broker": not why_broker_is_away()}
    return JsonResponse(found, status=200 if all(found.values()) else 503)


class _Probe(ImpatientConnection):
    answer_seconds: ClassVar[float | None] = DATABASE_SECONDS


def why_postgres_is_away() -> str:
    """The reason in one line, "" if Postgres answers.

    Uses its own connection: the pool waits longer, may be exhausted, and hides the reason.
    """
    how = connection.get_connection_params() | {"connect_timeout": DATABASE_SECONDS}
    try:
        with _Probe.connect(**how) as probe:
            probe.execute("SELECT 1")
    except psycopg.Error as error:
        return " ".join(str(error).split())
    return ""


def why_broker_is_away() -> str:
    """The reason, "" if the broker accepts a write: a full one still answers a PING."""
    try:
        with broker() as redis:
            redis.set("notebook:ready", 1, ex=60)
    except RedisError as error:
        return " ".join(str(error).split())
    return ""


def broker() -> Redis:
    """A client with a timeout of BROKER_SECONDS and no retries."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=BROKER_SECONDS,
        socket_connect_timeout=BROKER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
