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
DATABASE_SECONDS = 2  # the least that libpq knows
BROKER_SECONDS = 1


def healthz(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def readyz(_request: HttpRequest) -> JsonResponse:
    """503 while Postgres or the broker is away. Uploads need only Postgres.

    Answers within some seconds even if both are frozen.
    """
    found = {"database": not why_postgres_is_away(), "broker": not why_broker_is_away()}
    return JsonResponse(found, status=200 if all(found.values()) else 503)


class _Probe(ImpatientConnection):
    answer_seconds: ClassVar[float | None] = DATABASE_SECONDS


def why_postgres_is_away() -> str:
    """In one line, "" if it answers.

    By a connection of its own: the pool's wait longer, may all be waiting already, and don't tell.
    """
    how = connection.get_connection_params() | {"connect_timeout": DATABASE_SECONDS}
    try:
        with _Probe.connect(**how) as probe:
            probe.execute("SELECT 1")
    except psycopg.Error as error:
        return " ".join(str(error).split())
    return ""


def why_broker_is_away() -> str:
    """Whether it takes what is written: one that is full still answers a PING. "" if it does."""
    try:
        with broker() as redis:
            redis.set("notebook:ready", 1, ex=60)
    except RedisError as error:
        return " ".join(str(error).split())
    return ""


def broker() -> Redis:
    """A client that gives up after BROKER_SECONDS, and asks only once."""
    return Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=BROKER_SECONDS,
        socket_connect_timeout=BROKER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
