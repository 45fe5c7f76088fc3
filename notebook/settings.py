"""All settings, read from the environment. `.env.example` names and explains every variable."""

import os
from datetime import timedelta
from pathlib import Path

import django_stubs_ext
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _
from dotenv import load_dotenv

from notebook.database import pool_of, told
from notebook.environment import Env
from notebook.logs import logging_config
from notebook.stack.data_dir import runtime
from notebook.version import VERSION

django_stubs_ext.monkeypatch()  # admin classes may then name their model, as type checkers want

BASE_DIR = Path(__file__).resolve().parent.parent
load_dotenv(BASE_DIR / ".env")  # as the stack reads it
env = Env()
DATA_DIR = Path(env.str("DATA_DIR", "") or BASE_DIR / ".data").resolve()


def _join_running_stack() -> None:
    """Let a command in another terminal reach the services that `make run` started."""
    shared = runtime(DATA_DIR)
    if os.environ.get("DATABASE_URL") in (None, "", shared.get("DATABASE_URL")):
        for name, value in shared.items():
            os.environ[name] = os.environ.get(name) or value  # as the stack, to which "" is none


_join_running_stack()

# --- Who may reach us -------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", False)
INSECURE_SECRET_KEY = "insecure-key-for-commands-that-serve-nobody"  # noqa: S105
SECRET_KEY = env.str("SECRET_KEY", "") or INSECURE_SECRET_KEY
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("HTTPS", False)  # true behind a proxy that ends TLS: secure cookies and HSTS
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    # For this host alone: what is true of the whole domain, for a year, its owner decides.
    SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", False)
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]  # asked from beside the proxy
METRICS_TOKEN = env.str("METRICS_TOKEN", "")  # without it there are no metrics
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True  # the page reads the token from its own markup
CSRF_FAILURE_VIEW = "notebook.problems.csrf_failure"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- What is installed ------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "channels",
    "rest_framework",
    "django_filters",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_results",
    "django_structlog",
    "axes",
    "notebook",
    "documents",
    "tasks",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "notebook.problems.ProblemMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "notebook.languages.LanguageMiddleware",
    "notebook.redirects.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "axes.middleware.AxesMiddleware",
    "notebook.staff_requests.StaffRequestMiddleware",
]
ROOT_URLCONF = "notebook.urls"
ASGI_APPLICATION = "notebook.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Postgres ---------------------------------------------------------------------------------
# A pool of few connections: persistent ones leak under ASGI threads, fresh ones cost 3-8 ms each.
DATABASES = {"default": env.postgres("DATABASE_URL", "postgres://notebook@127.0.0.1:5432/notebook")}
STATEMENT_TIMEOUT_MS = env.within("DATABASE_STATEMENT_TIMEOUT_MS", 60_000, least=0, most=2**31 - 1)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True  # a restarted Postgres costs nobody an error
DATABASES["default"].setdefault("OPTIONS", {}).update(told(STATEMENT_TIMEOUT_MS))
DATABASE_POOL_SIZE = env.int("DATABASE_POOL_SIZE", 4)  # of each process; 0 is no pool
if DATABASE_POOL_SIZE > 0:
    DATABASES["default"]["OPTIONS"].update(
        pool=pool_of(DATABASE_POOL_SIZE),
        prepare_threshold=1,  # what `tasks.rows` runs is planned when it is run again
    )

# --- Valkey or Redis: broker and channel layer ------------------------------------------------
REDIS_URL = env.str("REDIS_URL", "") or "redis://127.0.0.1:6379/0"
# Pub/sub: 1.6 ms a push against 10 ms of the list-based layer, and a burst is not dropped.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "tasks.layer.GroupLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "notebook"},
    }
}

# --- Files ------------------------------------------------------------------------------------
MEDIA_ROOT = DATA_DIR / "files"
STATIC_URL = "/static/"
STATIC_ROOT = env.str("STATIC_ROOT", "") or None  # where collectstatic gathers, in an image
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = STATIC_ROOT is None  # a fresh clone needs no collectstatic
STORAGES = {
    "default": {
        "BACKEND": env.str("STORAGE_BACKEND", "documents.storage.DurableFileSystemStorage")
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
MAX_UPLOAD_MB = env.int("MAX_UPLOAD_MB", 100)
# Uploads go to disk at once; memory stays flat whatever is sent.
FILE_UPLOAD_HANDLERS = ["documents.storage.UploadHandler"]
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576  # JSON bodies and form fields, bytes
DATA_UPLOAD_MAX_NUMBER_FILES = 20

# --- Signing in -------------------------------------------------------------------------------
LOGIN_URL = LOGOUT_REDIRECT_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
# Ten wrong passwords for one name from one address lock that pair for 15 minutes; see attempts.
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # or a program that tries on never gets in
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_HANDLER = "notebook.attempts.AttemptHandler"
AXES_CLIENT_IP_CALLABLE = "notebook.attempts.address_of"
AXES_LOCKOUT_CALLABLE = "notebook.problems.locked_out"
AXES_USERNAME_CALLABLE = "notebook.problems.name_that_failed"
AXES_VERBOSE = False
TOKEN_TTL_HOURS = env.within("TOKEN_TTL_HOURS", 24 * 30, least=1, most=1_000_000)
REST_KNOX = {"TOKEN_TTL": timedelta(hours=TOKEN_TTL_HOURS), "TOKEN_LIMIT_PER_USER": None}

# --- The API ----------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tasks.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["notebook.parsing.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "tasks.pagination.CursorPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "notebook.problems.exception_handler",
    "ALLOWED_VERSIONS": [VERSION],  # what the schema's view takes, and puts into a header
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Notebook",
    "DESCRIPTION": "Upload documents, watch them become searchable, search them, cite them.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["notebook.schema.finish"],
    "ENUM_NAME_OVERRIDES": {
        "TaskStatus": "tasks.models.Status",
        "DocumentStatus": "documents.models.DocumentStatus",
    },
}

# --- Reading and splitting --------------------------------------------------------------------
CHUNK_SIZE = env.int("CHUNK_SIZE", 256)  # tokens, approximate; the embedder's window is 512
CHUNK_OVERLAP = env.int("CHUNK_OVERLAP", 32)  # tokens, in whole sentences
CHUNK_STRATEGY = env.str("CHUNK_STRATEGY", "by_title")  # or "plain"
READER_MEMORY_MB = env.int("READER_MEMORY_MB", 2048)
READER_TIMEOUT_SECONDS = env.int("READER_TIMEOUT_SECONDS", 300)
MAX_PAGES = env.int("MAX_PAGES", 5000)
LIBREOFFICE = env.str("LIBREOFFICE", "soffice")  # reads doc and ppt, if there; "" for never
OCR_MAX_PAGES = env.int("OCR_MAX_PAGES", 1000)  # of one document; 0 turns OCR off
MAX_TEXT_CHARS = env.int("MAX_TEXT_CHARS", 5_000_000)  # what a worker holds grows with it
MAX_ARCHIVE_ENTRIES = env.int("MAX_ARCHIVE_ENTRIES", 10_000)  # files inside an office file
MAX_INFLATED_MB = env.int("MAX_INFLATED_MB", 1000)  # to what an office file may unpack
MAX_INFLATION_RATIO = env.int("MAX_INFLATION_RATIO", 100)  # and how often its own size

# --- Embeddings: any endpoint that speaks OpenAI's protocol -------------------------------------
EMBEDDING_BASE_URL = env.str("EMBEDDING_BASE_URL", "") or "https://api.openai.com/v1"
OPENAI_API_KEY = env.str("OPENAI_API_KEY", "")
# Two names, because some models (e5) want to be told a question from a passage.
EMBEDDING_PASSAGE_MODEL = env.str("EMBEDDING_PASSAGE_MODEL", "text-embedding-3-small")
EMBEDDING_QUERY_MODEL = env.str("EMBEDDING_QUERY_MODEL", "") or EMBEDDING_PASSAGE_MODEL
EMBEDDING_DIMENSIONS = env.int("EMBEDDING_DIMENSIONS", 1536)
EMBEDDING_PASSAGE_PREFIX = env.str("EMBEDDING_PASSAGE_PREFIX", "")  # for endpoints that add none
EMBEDDING_QUERY_PREFIX = env.str("EMBEDDING_QUERY_PREFIX", "")
EMBEDDING_REUSE_ACROSS_OWNERS = env.bool("EMBEDDING_REUSE_ACROSS_OWNERS", False)  # tells of them
EMBEDDING_CACHE_DAYS = env.int("EMBEDDING_CACHE_DAYS", 0)  # vectors outlive their passages so long
EMBEDDING_BATCH_SIZE = env.int("EMBEDDING_BATCH_SIZE", 64)
EMBEDDING_TIMEOUT_SECONDS = env.float("EMBEDDING_TIMEOUT_SECONDS", 60)  # one request in all
# Of all workers together; 0 is no limit of ours. A 429 is obeyed in any case.
EMBEDDING_REQUESTS_PER_MINUTE = env.int("EMBEDDING_REQUESTS_PER_MINUTE", 0)
EMBEDDING_TOKENS_PER_MINUTE = env.int("EMBEDDING_TOKENS_PER_MINUTE", 0)  # estimated
EMBEDDING_DAILY_TOKENS = env.int("EMBEDDING_DAILY_TOKENS", 0)  # of each owner; 0 is no limit
EMBEDDING_BREAKER_FAILURES = env.int("EMBEDDING_BREAKER_FAILURES", 5)  # in a row, of all workers
EMBEDDING_BREAKER_SECONDS = env.float("EMBEDDING_BREAKER_SECONDS", 30)  # so long nobody asks then

# What a million tokens cost, for plans; 0 where nobody asks for money.
EMBEDDING_PRICE_PER_MILLION_TOKENS = env.price("EMBEDDING_PRICE_PER_MILLION_TOKENS", "0")
EMBEDDING_PRICE_CURRENCY = env.str("EMBEDDING_PRICE_CURRENCY", "USD")
PLAN_TIMEOUT_SECONDS = env.int("PLAN_TIMEOUT_SECONDS", 60)  # for reading a file in the web server

# --- Answers: any chat endpoint of OpenAI's protocol; without one there are none ---------------
CHAT_BASE_URL = env.str("CHAT_BASE_URL", "")
CHAT_API_KEY = env.str("CHAT_API_KEY", "")
CHAT_MODEL = env.str("CHAT_MODEL", "")
CHAT_TIMEOUT_SECONDS = env.float("CHAT_TIMEOUT_SECONDS", 120)  # for a whole answer
CHAT_MAX_TOKENS = env.int("CHAT_MAX_TOKENS", 1000)  # of an answer
CHAT_CONTEXT_TOKENS = env.int("CHAT_CONTEXT_TOKENS", 6000)  # estimated; passages, earlier turns

# --- How tasks run ----------------------------------------------------------------------------
TASK_LEASE_SECONDS = env.int("TASK_LEASE_SECONDS", 30)  # a silent worker is given up after this
TASK_HEARTBEAT_SECONDS = env.float("TASK_HEARTBEAT_SECONDS", 1.5)  # a cancel is seen within it
TASK_MAX_LOSSES = 3  # workers a step may lose before the task fails
TASK_MAX_FAILURES = 8  # transient failures of a step, with backoff from 2 s to 5 minutes
# Documents at once in one worker. Long work never takes the last slot; thanks to the extra one,
# that leaves no core idle.
WORKER_CONCURRENCY = env.within(
    "WORKER_CONCURRENCY", 1 + max(2, os.cpu_count() or 1), least=1, most=1000
)
TASK_SLICE_SECONDS = env.int("TASK_SLICE_SECONDS", 2)  # then others have a turn
BULK_FROM_KB = env.int("BULK_FROM_KB", 1000)  # more than such a PDF is long work
SOCKETS_PER_USER = env.int("SOCKETS_PER_USER", 50)  # in one web process
SWEEP_SECONDS = env.float("SWEEP_SECONDS", 2)
REPUBLISH_SECONDS = env.float("REPUBLISH_SECONDS", 3)

# --- Languages --------------------------------------------------------------------------------
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LANGUAGE_CODE = env.one_of("LANGUAGE_CODE", "en", dict(LANGUAGES))
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["notebook.formats"]
USE_TZ = True
TIME_ZONE = "UTC"

LOG_LEVEL = (env.str("LOG_LEVEL", "") or "INFO").upper()
LOGGING = logging_config(level=LOG_LEVEL, json=env.bool("LOG_JSON", False))
