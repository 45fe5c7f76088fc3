"""System checks: report settings that contradict each other or the database."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celery import current_app
from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.files.storage import Storage, storages
from django.db import DatabaseError

from documents import spaces
from documents.extraction.office.libreoffice import program_folder
from documents.models import EmbeddingSpace
from documents.steps.split import STRATEGIES


@register(Tags.security, deploy=True)
def secret_key_is_set(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    if settings.SECRET_KEY == settings.INSECURE_SECRET_KEY:
        yield Error(
            "SECRET_KEY is not set.", hint="Set it to 50 random characters.", id="notebook.E001"
        )


@register()
def times_agree(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """Each timeout has to end before the one that cleans up after it."""
    celery = current_app.conf
    soft, hard = celery.task_soft_time_limit, celery.task_time_limit
    visible = celery.broker_transport_options["visibility_timeout"]
    rules = [
        (settings.TASK_LEASE_SECONDS > 2 * settings.TASK_HEARTBEAT_SECONDS,
         "TASK_LEASE_SECONDS must be over twice TASK_HEARTBEAT_SECONDS.", "E010"),
        (0 < settings.TASK_SLICE_SECONDS < soft,
         f"TASK_SLICE_SECONDS must be over 0 and under {soft}, Celery's soft limit.", "E011"),
        (soft > settings.READER_TIMEOUT_SECONDS,
         f"READER_TIMEOUT_SECONDS must be under {soft}, Celery's soft limit.", "E012"),
        (soft < hard < visible,
         "The soft time limit must be under the hard one, that under visibility_timeout.", "E013"),
        (celery.task_acks_late and not celery.task_reject_on_worker_lost
         and celery.task_acks_on_timeout,
         "Celery must acknowledge late, and also what timed out or lost its worker.", "E018"),
        (set(celery.accept_content) | set(celery.result_accept_content or ()) <= {"json"},
         "Celery must accept JSON alone.", "E019"),
        (0 <= settings.CHUNK_OVERLAP < settings.CHUNK_SIZE,
         "CHUNK_OVERLAP must be under CHUNK_SIZE, and not under 0.", "E014"),
        (settings.CHUNK_STRATEGY in STRATEGIES,
         f"CHUNK_STRATEGY must be one of {', '.join(STRATEGIES)}.", "E020"),
        (0 < settings.EMBEDDING_DIMENSIONS <= 4000,
         "EMBEDDING_DIMENSIONS must be from 1 to 4000, as an HNSW index takes no more.", "E015"),
        (bool(settings.CHAT_BASE_URL) == bool(settings.CHAT_MODEL),
         "CHAT_BASE_URL and CHAT_MODEL must be set together.", "E022"),
        *((getattr(settings, name) >= 0, f"{name} must not be under 0.", "E021")
          for name in _AMOUNTS),
        (settings.DATABASE_POOL_SIZE == 0 or settings.DATABASE_POOL_SIZE >= 2,
         "DATABASE_POOL_SIZE must be 0 or at least 2: a task and its heartbeat need one each.",
         "E023"),
        (settings.LOGGING["root"]["level"] == settings.LOG_LEVEL,
         "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR and CRITICAL.", "E024"),
    ]  # fmt: skip
    return [Error(sentence, id=f"notebook.{name}") for holds, sentence, name in rules if not holds]


@register()
def limits_agree(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    """A limit that another one makes useless, or that no document can meet, is a mistake."""
    for name in _LIMITS:
        if getattr(settings, name) <= 0:
            yield Error(f"{name} must be over 0.", id="notebook.E030")
    for name in sorted({*_LIMITS, *_AMOUNTS, *_MOST}):
        if getattr(settings, name) > (most := _MOST.get(name, 1_000_000_000)):
            yield Error(f"{name} must be at most {most}.", id="notebook.E035")
    memory, inflated = settings.READER_MEMORY_MB, settings.MAX_INFLATED_MB
    if memory < _LEAST_READER_MB:
        yield Error(f"READER_MEMORY_MB must be at least {_LEAST_READER_MB}.", id="notebook.E031")
    if inflated < settings.MAX_UPLOAD_MB:
        yield Error("MAX_INFLATED_MB must be at least MAX_UPLOAD_MB.", id="notebook.E032")
    if inflated > memory:
        yield Error("MAX_INFLATED_MB must be at most READER_MEMORY_MB.", id="notebook.E033")
    if memory * 1_000_000 < settings.MAX_TEXT_CHARS * _BYTES_PER_CHAR:
        yield Error(
            "READER_MEMORY_MB is too small for MAX_TEXT_CHARS.",
            hint=f"A reader may need {_BYTES_PER_CHAR} bytes per character.",
            id="notebook.E034",
        )


@register()
def addresses_can_be_reached(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> Iterable[CheckMessage]:
    """Otherwise it would look as if the other side were down."""
    for name, schemes in _ADDRESSES.items():
        address = getattr(settings, name)
        if address and not _is_address(address, schemes):
            told = f"{name} must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}"
            yield Error(f"{told}, and its port be a number.", id="notebook.E026")
    database = urlsplit(settings.REDIS_URL).path.strip("/")
    if database and not database.isdecimal():
        yield Error("REDIS_URL must end with a database's number, like /0.", id="notebook.E027")


def _is_address(address: str, schemes: Sequence[str]) -> bool:
    parts = urlsplit(address)
    with suppress(ValueError):  # of a port that is not a number
        return parts.scheme in schemes and parts.port != 0
    return False


@register()
def files_can_be_stored(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> Iterable[CheckMessage]:
    """Otherwise the first upload would find out."""
    try:
        made: Any = storages["default"]
        why = "" if isinstance(made, Storage) else "It is none."
    except Exception as error:  # noqa: BLE001 - each storage has errors of its own
        why = str(error)
    if why:
        told = "STORAGE_BACKEND must name a class of Django's storages."
        yield Error(told, hint=why, id="notebook.E025")


@register()
def page_has_its_files(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    if settings.STATIC_ROOT and not Path(settings.STATIC_ROOT, "notebook").is_dir():
        yield checks.Warning(
            f"STATIC_ROOT, {settings.STATIC_ROOT}, does not hold the page's files.",
            hint="Run `manage.py collectstatic`, or leave STATIC_ROOT empty.",
            id="notebook.W018",
        )


@register()
def libreoffice_is_there(
    app_configs: Sequence[AppConfig] | None, **_: Any
) -> Iterable[CheckMessage]:
    """By default it is used if it is installed; who names one expects it to be used."""
    named = settings.LIBREOFFICE
    if named not in ("", "soffice") and not program_folder(named):
        yield checks.Warning(
            f"LIBREOFFICE, {named}, leads to no LibreOffice: .doc and .ppt files are refused.",
            hint="Name its program `soffice`, or leave LIBREOFFICE out.",
            id="notebook.W019",
        )


_LIMITS = (
    "MAX_UPLOAD_MB", "MAX_PAGES", "MAX_TEXT_CHARS", "MAX_ARCHIVE_ENTRIES", "MAX_INFLATED_MB",
    "MAX_INFLATION_RATIO", "READER_TIMEOUT_SECONDS",
    "PLAN_TIMEOUT_SECONDS", "CHAT_TIMEOUT_SECONDS", "CHAT_MAX_TOKENS", "CHAT_CONTEXT_TOKENS",
    "EMBEDDING_BATCH_SIZE", "EMBEDDING_TIMEOUT_SECONDS", "EMBEDDING_BREAKER_FAILURES",
    "EMBEDDING_BREAKER_SECONDS", "SWEEP_SECONDS", "REPUBLISH_SECONDS", "TASK_HEARTBEAT_SECONDS",
    "SOCKETS_PER_USER",
)  # fmt: skip
_AMOUNTS = (  # settings that may be 0
    "EMBEDDING_DAILY_TOKENS", "EMBEDDING_CACHE_DAYS", "EMBEDDING_REQUESTS_PER_MINUTE",
    "EMBEDDING_TOKENS_PER_MINUTE", "OCR_MAX_PAGES", "BULK_FROM_KB",
)  # fmt: skip
_MOST = {"CHUNK_SIZE": 8000, "EMBEDDING_CACHE_DAYS": 100_000, "TASK_LEASE_SECONDS": 100_000}
_ADDRESSES = {
    "EMBEDDING_BASE_URL": ("http", "https"),
    "CHAT_BASE_URL": ("http", "https"),
    "REDIS_URL": ("redis", "rediss"),
}
_LEAST_READER_MB = 256
_BYTES_PER_CHAR = 40  # of text: as read, as elements, normalised, joined and sent


@register(Tags.database)
def settings_name_the_space(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **_: Any
) -> Iterable[CheckMessage]:
    """Stored vectors are of one model, which is used whatever the settings say."""
    if not databases or (space := _searched()) is None:
        return
    wanted = spaces.of_settings()
    if wanted.passage_model == space.passage_model and wanted.dimensions != space.dimensions:
        yield Error(
            f"EMBEDDING_DIMENSIONS is {wanted.dimensions},"
            f" but the database holds vectors of {space.dimensions} of the same model.",
            hint="Set it back. `manage.py embeddings switch` leads to another model.",
            id="notebook.E016",
        )
    elif others := spaces.differences(space, wanted):
        yield checks.Warning(
            f"The settings name {wanted}, but search uses {space}, which goes on."
            f" They differ in {', '.join(others)}.",
            hint="Run `manage.py embeddings switch` to change to what the settings name,"
            " or set EMBEDDING_PASSAGE_MODEL and the others to what is used.",
            id="notebook.W016",
        )
    if space.key_variable and not space.key:
        yield Error(f"{space.key_variable} is empty, the key for {space}.", id="notebook.E017")


def _searched() -> EmbeddingSpace | None:
    """None if the database does not exist yet or has an older schema."""
    try:
        return EmbeddingSpace.objects.filter(state=spaces.State.ACTIVE).first()
    except DatabaseError:
        return None


@register()
def key_fits_endpoint(app_configs: Sequence[AppConfig] | None, **_: Any) -> Iterable[CheckMessage]:
    if "api.openai.com" in settings.EMBEDDING_BASE_URL and not settings.OPENAI_API_KEY:
        yield checks.Warning(
            "OPENAI_API_KEY is empty: no document can be embedded.",
            hint="Set it, or set EMBEDDING_BASE_URL to an endpoint that needs none.",
            id="notebook.W017",
        )
