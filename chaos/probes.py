"""Whether each process of the stack does its work."""

import httpx2
import psutil
import psycopg
import redis
from celery import Celery


def answers(stack, name):
    """True if the process of that name works now."""
    try:
        return PROBES[name](stack)
    except (OSError, psycopg.Error, redis.RedisError, httpx2.HTTPError, psutil.Error):
        return False


def _postgres(stack):
    with stack.database() as db:
        return bool(db.execute("SELECT 1").fetchone())


def _valkey(stack):
    with stack.broker() as broker:
        return broker.ping()


def _web(stack):
    return httpx2.get(f"{stack.url}/healthz", timeout=5).status_code == 200


def _worker(stack):
    """By Celery's remote control: it receives messages."""
    with Celery(broker=stack.runtime["REDIS_URL"], set_as_current=False) as app:
        app.conf.broker_transport_options = {"socket_timeout": 5}
        names = [next(iter(reply)) for reply in app.control.ping(timeout=3, limit=1)]
    return any(name.startswith("worker-") for name in names)


def _sweeper(stack):
    """There is a sweeper that holds the lock."""
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    with stack.database() as db:
        return db.execute(held).fetchone()[0] > 0


def _beat(stack):
    return stack.process("beat").is_running()


PROBES = {
    "postgres": _postgres,
    "valkey": _valkey,
    "web": _web,
    "worker": _worker,
    "sweeper": _sweeper,
    "beat": _beat,
}


def readers(stack):
    """Unreaped forks of the worker's reader servers, except idle ones.

    The fork that waits for a file is in its server's folder; working ones have their own folder.
    """
    servers = [server for child in stack.worker_children() for server in child.children()]
    return {
        each
        for server in servers
        for each in server.children(recursive=True)
        if not _is_where(server, each)
    }


def _is_where(server, process):
    try:
        return process.cwd() == server.cwd()
    except psutil.NoSuchProcess:  # or a zombie
        return not process.is_running()
