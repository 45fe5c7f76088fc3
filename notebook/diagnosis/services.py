"""Whether Postgres, Valkey, the storage and the embedding endpoint work."""

import shutil
import uuid
from typing import Any

import httpx2
from celery import current_app
from django.core.exceptions import ObjectDoesNotExist
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, OperationalError, connection
from django.db.migrations.executor import MigrationExecutor
from redis import RedisError

from documents import spaces
from documents.embeddings import client as embeddings
from documents.embeddings import gate as embedding_gate
from documents.models import EmbeddingSpace
from notebook.diagnosis.finding import Finding, Level
from notebook.health import broker, why_postgres_is_away
from tasks.exceptions import TaskError

FEW_CONNECTIONS = 0.9  # of those that Postgres allows
MUCH_MEMORY = 0.9  # of what Valkey may take
LITTLE_SPACE, LITTLE_BYTES = 0.05, 1_000_000_000
ENDPOINT_SECONDS = 3


def _finding(problem: str, note: str, *, name: str, said: str, **facts: Any) -> Finding:
    """A finding that says `said`, followed by the problem or else the note."""
    level = Level.PROBLEM if problem else Level.NOTE if note else Level.OK
    return Finding(
        level=level, name=name, sentence=f"{said}. {problem or note}".strip(), facts=facts
    )


# --- Postgres -------------------------------------------------------------------------------------
_POSTGRES = """
    SELECT current_setting('server_version'),
        (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
        (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
        current_setting('max_connections')::int
"""


def postgres() -> Finding:
    try:
        with connection.cursor() as cursor:
            cursor.execute(_POSTGRES)
            version, vector, used, most = cursor.fetchone()
    except OperationalError as error:
        why = why_postgres_is_away() or " ".join(str(error).split())
        said = f"It can't be reached ({why}). All waits until it is back."
        return Finding(level=Level.UNKNOWN, name="Postgres", sentence=said)
    pending = _pending_migrations()
    problem = ""
    if vector is None:
        problem = "The extension `vector` is missing: run `manage.py migrate`."
    elif pending:
        problem = f"{pending} migrations are to be run: `manage.py migrate`."
    elif used > FEW_CONNECTIONS * most:
        problem = "Hardly any connection is left: raise max_connections or run fewer processes."
    said = f"{version}, pgvector {vector}, {used} of {most} connections used"
    facts = {
        "version": version, "pgvector": vector, "connections": used, "max_connections": most,
        "pending_migrations": pending,
    }  # fmt: skip
    return _finding(problem, "", name="Postgres", said=said, **facts)


def _pending_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


# --- Valkey ---------------------------------------------------------------------------------------
def valkey() -> Finding:
    try:
        with broker() as redis:
            info: dict[str, Any] = redis.info()
            waiting = redis.llen(current_app.conf.task_default_queue)
    except RedisError as error:
        return Finding(level=Level.PROBLEM, name="Valkey", sentence=_no_broker(error))
    used, most = info["used_memory"], info.get("maxmemory", 0)
    facts = {
        "version": info.get("valkey_version") or info["redis_version"], "used_memory": used,
        "maxmemory": most, "maxmemory_policy": info.get("maxmemory_policy"),
        "persistent": bool(info.get("aof_enabled")), "queue_length": waiting,
    }  # fmt: skip
    said = f"{facts['version']}, {used / 1e6:.0f} MB used, {waiting} messages in the queue"
    return _finding(_full(info), _forgetful(info), name="Valkey", said=said, **facts)


def _no_broker(error: RedisError) -> str:
    return f"It can't be reached ({type(error).__name__}). Uploads wait until it is back."


def _full(info: dict[str, Any]) -> str:
    used, most = info["used_memory"], info.get("maxmemory", 0)
    if most and info.get("maxmemory_policy") != "noeviction":
        return "It may drop messages when its memory is full: set maxmemory-policy noeviction."
    if most and used > MUCH_MEMORY * most:
        return "Its memory is nearly full: raise maxmemory."
    return ""


def _forgetful(info: dict[str, Any]) -> str:
    if info.get("aof_enabled"):
        return ""
    return "What it holds may be lost in a restart, and is sent again: set appendonly yes."


# --- Storage --------------------------------------------------------------------------------------
def storage() -> Finding:
    """Stores a small file as an upload does, and checks the free space."""
    try:
        name = default_storage.save(f"incoming/doctor-{uuid.uuid4()}", ContentFile(b"probe"))
        default_storage.delete(name)
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own
        sentence = f"No file can be stored ({type(error).__name__}). Uploads are refused."
        return Finding(level=Level.PROBLEM, name="Storage", sentence=sentence)
    try:
        room = shutil.disk_usage(default_storage.path(""))
    except NotImplementedError:
        return Finding(level=Level.OK, name="Storage", sentence="It can be written.")
    little = room.free < max(LITTLE_BYTES, LITTLE_SPACE * room.total)
    note = "There is little room left." if little else ""
    said = f"It can be written, {room.free / 1e9:.1f} of {room.total / 1e9:.1f} GB are free"
    return _finding("", note, name="Storage", said=said, free=room.free, total=room.total)


# --- Embeddings -----------------------------------------------------------------------------------
def endpoint() -> Finding:
    """Asks the endpoint for its models, which costs nothing; any answer will do."""
    space = _space()
    url = f"{space.url.rstrip('/')}/models"
    key = {"Authorization": f"Bearer {space.key or 'none'}"}
    try:
        answer = httpx2.get(url, headers=key, timeout=ENDPOINT_SECONDS)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        said = f"The endpoint can't be reached ({type(error).__name__}). Documents wait for it."
        return Finding(level=Level.PROBLEM, name="Embeddings", sentence=said)
    note = _odd(answer) or _gate(space)
    status = answer.status_code
    return _finding("", note, name="Embeddings", said="The endpoint answers", status=status)


def _odd(answer: httpx2.Response) -> str:
    if answer.status_code in (401, 403):
        return "It refuses the key, at least for this."
    if answer.is_success and "html" in answer.headers.get("content-type", ""):
        return "With a page for people: EMBEDDING_BASE_URL may lead elsewhere. --deep tells."
    return ""


def _space() -> EmbeddingSpace:
    """The active space; that of the settings while the database can't be asked."""
    try:
        return spaces.active()
    except (DatabaseError, ObjectDoesNotExist):
        return spaces.of_settings()


def _gate(space: EmbeddingSpace) -> str:
    """Why workers don't send requests now, or ""."""
    state = embedding_gate.state(endpoint=space.url)
    if state["open"]:
        return f"Too many requests failed: it is tried again in {state['until']:.0f} s."
    return f"It limits us for {state['hold']:.0f} s more." if state["hold"] else ""


def embedding() -> Finding:
    """Embeds one word, which may cost money."""
    try:
        vector = embeddings.embed_query("doctor", space=_space())
    except TaskError as error:
        facts = {"code": error.code}
        return Finding(level=Level.PROBLEM, name="Embeddings", sentence=error.message, facts=facts)
    said = f"The endpoint gives vectors of {len(vector)} dimensions"
    return _finding("", "", name="Embeddings", said=said, dimensions=len(vector))
