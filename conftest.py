"""What every test shares: real Postgres and Valkey, and a stand-in for the paid embedding API.

They are started once for the run, in a directory of their own. Settings are read from the
environment at import, so the environment is made here, before Django is set up.
"""

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import django
import pytest
from asgiref.sync import SyncToAsync
from django.conf import settings
from xdist.scheduler import LoadScopeScheduling

from documents.tests.chat_server import ChatServer
from documents.tests.embedding_server import DIMENSIONS, EmbeddingServer
from notebook.stack.services import running

_services = ExitStack()
_embedder = EmbeddingServer()


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None):  # the processes that test start their own
        return
    for name in ("DATABASE_URL", "REDIS_URL", "EMBEDDING_BASE_URL", "OPENAI_API_KEY"):
        os.environ.pop(name, None)
    data_dir = _services.enter_context(tempfile.TemporaryDirectory(prefix="notebook-tests-"))
    _services.enter_context(_embedder)
    os.environ |= _services.enter_context(running(Path(data_dir), embedder=False)) | {
        "DATABASE_POOL_SIZE": "0",
        "EMBEDDING_BASE_URL": _embedder.url,
        "EMBEDDING_DIMENSIONS": str(DIMENSIONS),
        "EMBEDDING_PASSAGE_MODEL": "test-passage",
        "EMBEDDING_QUERY_MODEL": "test-query",
        "OPENAI_API_KEY": "sk-test-not-a-secret",
    }
    django.setup()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick


def pytest_unconfigure() -> None:
    from documents.extraction.sandbox.client import sandbox

    sandbox().close()
    _services.close()


# Whose tests need a whole stack: they come first, and one process runs all of a folder's.
STACKS = ("chaos/", "notebook/tests/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(STACKS))


class ByStack(LoadScopeScheduling):
    """What of the tests goes to one process: a folder's with a stack, else a file's."""

    def _split_scope(self, nodeid: str) -> str:
        folder = next((folder for folder in STACKS if nodeid.startswith(folder)), "")
        return folder or nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByStack:
    return ByStack(config, log)


# What is still connected to the test database at the end of the run, such as a thread's last query.
OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Postgres drops no database that somebody is connected to."""
    from django.db import connection

    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(OTHERS)


@pytest.fixture(scope="session")
def embedding_server():
    return _embedder


@pytest.fixture
def embedder(embedding_server):
    from documents.embeddings import gate as embedding_gate
    from documents.search import vectors

    embedding_server.reset()
    embedding_gate.reset()
    vectors.forget()
    yield embedding_server
    embedding_server.reset()
    embedding_gate.reset()


@pytest.fixture
def settled(transactional_db):
    """A query that a test no longer waits for ends before its tables are emptied: a deadlock."""
    yield
    SyncToAsync.single_thread_executor.submit(int).result(timeout=30)


@pytest.fixture(scope="session")
def chat_server():
    """What the live stack asks for answers."""
    with ChatServer() as server:
        yield server


@pytest.fixture(scope="session")
def live_stack(tmp_path_factory, embedding_server, chat_server):
    """Started once for the run; tests of it make documents and users of their own."""
    from notebook.tests.live import running_stack

    chat = {"CHAT_BASE_URL": chat_server.url, "CHAT_MODEL": "m"}
    with running_stack(tmp_path_factory.mktemp("live"), embedding_server, chat) as stack:
        yield stack


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user("ada", password="correct horse")


@pytest.fixture
def other_user(django_user_model):
    return django_user_model.objects.create_user("eve", password="battery staple")


@pytest.fixture
def api(user):
    from rest_framework.test import APIClient

    client = APIClient(raise_request_exception=False)
    client.force_login(user)
    return client
