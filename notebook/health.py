"""`/healthz`: the process answers. `/readyz`: what it needs answers too."""

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from redis import Redis, RedisError

from notebook.problems import DATABASE_AWAY


def healthz(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def readyz(_request: HttpRequest) -> JsonResponse:
    """503 while Postgres or the broker is away. Uploads need only Postgres."""
    found = {"database": _database(), "broker": _broker()}
    return JsonResponse(found, status=200 if all(found.values()) else 503)


def _database() -> bool:
    try:
        connection.ensure_connection()
    except DATABASE_AWAY:
        return False
    return connection.is_usable()


def _broker() -> bool:
    """Whether it takes what is written; one that is full still answers a PING."""
    try:
        with Redis.from_url(
            settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1
        ) as redis:
            return bool(redis.set("notebook:ready", 1, ex=60))
    except RedisError:
        return False
