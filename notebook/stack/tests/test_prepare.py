"""Before anything starts to work with them, settings are checked."""

import os
import subprocess
import sys

import psycopg
import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from notebook.stack import prepare as prepared
from notebook.stack.child import PROJECT_DIR
from notebook.stack.service import free_port


def prepare(**wrong):
    """What it says about such settings before it ends, as in a terminal that knows no Django."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    done = subprocess.run(
        [sys.executable, "-m", "notebook.stack.prepare"],
        cwd=PROJECT_DIR, env=given | wrong, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_settings_that_contradict_each_other_are_refused_at_the_start():
    said = prepare(CHUNK_OVERLAP="300", CHUNK_SIZE="200")
    assert "CHUNK_OVERLAP must be under CHUNK_SIZE, and not under 0." in said


def test_a_setting_that_can_not_be_read_is_told_in_a_line():
    assert prepare(LANGUAGE_CODE="xx") == "LANGUAGE_CODE must be one of: en, zh-hans.\n"


@pytest.mark.parametrize(
    "wrong",
    ["nonsense", "postgres://", "postgres://u:p@h:abc/db", "sqlite:///x", "mysql://u:p@h/db"],
)
def test_an_address_of_no_postgres_is_told_in_a_line(wrong):
    said = "DATABASE_URL must be like postgres://user:password@host/name.\n"
    assert prepare(DATABASE_URL=wrong) == said


@pytest.mark.parametrize("pool", ["0", "4"])
def test_why_postgres_can_not_be_reached_is_told(pool):
    wrong = f"postgres://u:secret@127.0.0.1:{free_port()}/notebook"
    said = prepare(DATABASE_URL=wrong, DATABASE_POOL_SIZE=pool)
    assert said.startswith("Postgres can't be reached: ")
    assert "Connection refused" in said
    assert said.count("\n") == 1
    assert "secret" not in said


@pytest.fixture
def said(transactional_db):
    """What is said at the terminal, on the tests' database."""
    here = connection.get_connection_params()
    address = f"{here['user']}:{here['password']}@{here['host']}:{here['port']}/{here['dbname']}"

    def said(**odd):
        return subprocess.run(
            [sys.executable, "-m", "notebook.stack.prepare"],
            cwd=PROJECT_DIR, env=os.environ | {"DATABASE_URL": f"postgres://{address}"} | odd,
            stdout=subprocess.PIPE, text=True, check=True, timeout=60,
        ).stdout  # fmt: skip

    return said


def test_warnings_and_a_valkey_that_is_away_are_told_at_the_terminal(said, tmp_path):
    redis = f"redis://:secret@127.0.0.1:{free_port()}/0"
    told = said(STATIC_ROOT=str(tmp_path), REDIS_URL=redis)
    assert f"Warning: STATIC_ROOT, {tmp_path}, does not hold the page's files." in told
    assert "Warning: REDIS_URL leads to no Valkey (Error 111 connecting to 127.0.0.1" in told
    assert "secret" not in told


def test_a_database_of_a_newer_version_is_told(said):
    assert "newer" not in said()
    MigrationRecorder(connection).record_applied("documents", "9999_later")
    try:
        told = "Warning: A newer version has changed the database (documents.9999_later)."
        assert told in said()
    finally:
        MigrationRecorder(connection).record_unapplied("documents", "9999_later")


@pytest.fixture
def held(transactional_db):
    """A transaction that keeps migrations from being read, as others may keep tables."""
    here = connection.get_connection_params()
    names = ("user", "password", "host", "port", "dbname")
    with psycopg.connect(**{name: here[name] for name in names}) as other:
        other.execute("LOCK TABLE django_migrations")
        yield other
    with connection.cursor() as cursor:
        cursor.execute("RESET lock_timeout")


def test_a_table_in_use_is_waited_for_in_short_tries(held, monkeypatch):
    told = []

    def say(line):
        told.append(line)
        held.rollback()

    monkeypatch.setattr(prepared, "LOCK_MS", 100)
    monkeypatch.setattr(prepared, "say", say)
    prepared._migrate()
    assert told == [prepared.HELD]


def test_a_table_that_stays_in_use_is_told_in_a_line(held, monkeypatch):
    monkeypatch.setattr(prepared, "LOCK_MS", 100)
    monkeypatch.setattr(prepared, "TRIES", 2)
    with pytest.raises(SystemExit, match="It did not end"):
        prepared._migrate()


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("nonsense", "nonsense doesn't look like a module path"),
        ("documents.storage.Nonsense", 'does not define a "Nonsense"'),
        ("documents.nowhere.Storage", "No module named 'documents.nowhere'"),
        ("collections.OrderedDict", "It is none."),
        ("documents.storage.UploadHandler", "It is none."),
    ],
)
def test_a_storage_that_can_not_be_used_is_refused_at_the_start(wrong, why):
    said = prepare(STORAGE_BACKEND=wrong)
    assert "STORAGE_BACKEND must name a class of Django's storages." in said
    assert why in said
