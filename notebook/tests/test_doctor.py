"""`manage.py doctor` and `/readyz` on servers that are well, away, full or frozen."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import psutil
import psycopg
import pytest
from django.db import connection

from documents.embeddings import gate as embedding_gate
from notebook import health
from notebook.diagnosis import life, services
from notebook.diagnosis.finding import Finding, Level, within
from notebook.management.commands.doctor import exit_code
from notebook.stack.data_dir import open_data_dir
from notebook.stack.services import EmbeddedServices
from notebook.tests.live import PROJECT, until
from tasks import outbox, sweeper
from tasks import services as task_services
from tasks.tests.factories import Script, make_task, register

FROZEN_SECONDS = 60  # for the whole command, imports and all


class OwnServers:
    """Postgres and Valkey that these tests may freeze."""

    def __init__(self, embedded, environment):
        self.embedded, self.environment = embedded, environment

    def manage(self, *arguments, timeout=120):
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=PROJECT, env=self.environment, capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip

    def doctor(self, *arguments, timeout=120):
        """Its exit code, and its findings by name."""
        done = self.manage("doctor", "--json", *arguments, timeout=timeout)
        found = json.loads(done.stdout)
        assert found["exit_code"] == done.returncode, done.stderr
        assert found["healthy"] == (done.returncode == 0)
        return done.returncode, {each["name"]: each for each in found["findings"]}

    @contextmanager
    def frozen(self, name):
        process = psutil.Process(self.embedded.children[name].pid)
        family = [process, *process.children(recursive=True)]
        _signal(family, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal(family, signal.SIGCONT)


def _signal(family, which):
    for each in family:
        with suppress(psutil.NoSuchProcess):  # a fork of Valkey's that saves its data may end
            each.send_signal(which)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    data_dir = open_data_dir(tmp_path_factory.mktemp("doctor"))
    embedded = EmbeddedServices(data_dir, given={}, embedder=False)
    with asyncio.Runner() as runner:
        try:
            runner.run(embedded.start())
            found = OwnServers(embedded, {**os.environ, **embedded.variables})
            assert found.manage("migrate").returncode == 0
            yield found
        finally:
            runner.run(embedded.stop())


@pytest.fixture
def own_valkey(own, settings):
    settings.REDIS_URL = own.environment["REDIS_URL"]
    yield health.broker()
    with health.broker() as broker:
        broker.config_set("maxmemory", "0")
        broker.config_set("maxmemory-policy", "noeviction")
        broker.config_set("appendonly", "yes")


@pytest.fixture
def own_postgres(own, monkeypatch):
    """New connections of this process go there."""
    url = psycopg.conninfo.conninfo_to_dict(own.environment["DATABASE_URL"])
    names = {"HOST": "host", "PORT": "port", "PASSWORD": "password", "NAME": "dbname"}
    for ours, theirs in names.items():
        monkeypatch.setitem(connection.settings_dict, ours, url[theirs])


def problems(findings):
    return {name for name, each in findings.items() if each["level"] in ("problem", "unknown")}


# --- The command ----------------------------------------------------------------------------------
def test_without_workers_and_sweeper_it_says_so_and_ends_with_1(own):
    code, found = own.doctor()
    assert (code, problems(found)) == (1, {"Workers", "Sweeper"})
    assert found["Postgres"]["facts"]["pending_migrations"] == 0
    assert found["Postgres"]["facts"]["max_connections"] == 200
    assert found["Valkey"]["facts"] | {"used_memory": 0} == {
        "version": found["Valkey"]["facts"]["version"], "used_memory": 0, "maxmemory": 0,
        "maxmemory_policy": "noeviction", "persistent": True, "queue_length": 0,
    }  # fmt: skip
    assert found["Rules"]["facts"]["held"] > 20


def test_it_sees_who_holds_the_sweepers_lock(own):
    with psycopg.connect(own.environment["DATABASE_URL"], autocommit=True) as db:
        db.execute("SELECT pg_advisory_lock(%s)", [sweeper.LOCK_ID])
        _, found = own.doctor()
    assert found["Sweeper"]["level"] == "ok"


def test_for_people_it_prints_a_line_for_each_and_a_summary_without_colours(own):
    done = own.manage("doctor")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert "problem Workers: Nobody consumes the queue." in lines
    assert lines[0].startswith("ok      Postgres: 18.")
    assert lines[-1].startswith("There are problems: 2 problem, ")
    assert "\x1b" not in done.stdout


def test_a_frozen_valkey_is_one_problem_and_holds_nothing_up(own):
    with own.frozen("valkey"):
        code, found = own.doctor("--fix", timeout=FROZEN_SECONDS)
    assert (code, problems(found)) == (1, {"Valkey", "Sweeper"})
    assert "Workers" not in found  # they could not be asked


def test_a_frozen_postgres_ends_it_with_2_after_the_other_servers_were_looked_at(own):
    with own.frozen("postgres"):
        code, found = own.doctor(timeout=FROZEN_SECONDS)
    assert code == 2
    assert problems(found) == {"Postgres"}
    assert set(found) == {"Postgres", "Valkey", "Storage", "Embeddings"}


def test_a_postgres_that_is_away_ends_it_with_2(own):
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))  # nobody listens
    away = f"postgres://notebook:x@127.0.0.1:{closed.getsockname()[1]}/notebook"
    servers = OwnServers(None, own.environment | {"DATABASE_URL": away})
    with closed:
        code, found = servers.doctor(timeout=FROZEN_SECONDS)
    assert (code, problems(found)) == (2, {"Postgres"})
    assert found["Postgres"]["sentence"].startswith("It can't be reached (")


def test_a_database_without_tables_is_told_to_be_migrated(own):
    server, _, _ = own.environment["DATABASE_URL"].rpartition("/")
    with psycopg.connect(own.environment["DATABASE_URL"], autocommit=True) as db:
        db.execute("CREATE DATABASE bare")
    servers = OwnServers(None, own.environment | {"DATABASE_URL": f"{server}/bare"})
    code, found = servers.doctor()
    assert (code, problems(found)) == (1, {"Postgres"})
    assert "manage.py migrate" in found["Postgres"]["sentence"]


@pytest.mark.live
def test_on_a_living_stack_all_is_well_and_what_is_broken_is_mended(live_stack):
    live = OwnServers(None, live_stack.environment)
    with live_stack.client() as client:
        document = live_stack.upload(client, "doctor.txt", b"The doctor looks at the patient. " * 9)
        assert live_stack.until_done(client, document["id"])["status"] == "AVAILABLE"
    until(lambda: live.doctor("--deep"), lambda found: found[0] == 0)
    with psycopg.connect(live_stack.environment["DATABASE_URL"], autocommit=True) as db:
        query = "UPDATE documents_document SET chunk_count = 77 WHERE id = %s"
        db.execute(query, [document["id"]])
    code, found = live.doctor()
    assert (code, problems(found)) == (1, {"I2 chunk count"})
    assert found["I2 chunk count"]["facts"] == {
        "count": 1, "ids": [document["id"]], "fixable": True,
    }  # fmt: skip
    code, found = live.doctor("--fix")
    assert (code, found["I2 chunk count"]["facts"]) == (0, {"mended": 1})
    assert live.doctor()[0] == 0


def test_the_worst_finding_decides_how_it_ends():
    def found(*levels):
        return [Finding(level=level, name="x", sentence="y") for level in levels]

    assert exit_code(found(Level.OK, Level.NOTE)) == 0
    assert exit_code(found(Level.OK, Level.PROBLEM)) == 1
    assert exit_code(found(Level.UNKNOWN, Level.PROBLEM)) == 2


def test_a_look_that_never_ends_is_given_up_and_one_that_fails_says_why():
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        within(0.2, threading.Event().wait)
    assert time.monotonic() - started < 5
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 / 0)


# --- Services -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("setting", "level", "said"),
    [
        ({"maxmemory": "100mb"}, Level.OK, "MB used"),
        ({"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"}, Level.PROBLEM, "noeviction"),
        ({"maxmemory": "1mb"}, Level.PROBLEM, "nearly full"),
        ({"appendonly": "no"}, Level.NOTE, "appendonly"),
    ],
)
def test_valkeys_settings_are_judged(own_valkey, setting, level, said):
    for name, value in setting.items():
        own_valkey.config_set(name, value)
    found = services.valkey()
    assert (found.level, said in found.sentence) == (level, True), found


def test_messages_in_the_queue_are_counted(own_valkey):
    own_valkey.rpush("document_processing", "one", "two")
    assert services.valkey().facts["queue_length"] == 2
    own_valkey.delete("document_processing")


def test_the_storage_is_really_written(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    assert services.storage().level in (Level.OK, Level.NOTE)
    assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]
    (tmp_path / "no_folder").touch()
    settings.MEDIA_ROOT = tmp_path / "no_folder"
    assert services.storage().level == Level.PROBLEM


@pytest.mark.django_db
def test_any_answer_of_the_embedding_endpoint_will_do(embedder, settings):
    assert services.endpoint().level == Level.OK
    assert embedder.requests == 0  # it cost nothing
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        settings.EMBEDDING_BASE_URL = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        assert services.endpoint().level == Level.PROBLEM
        silent.listen()  # as good as frozen: it takes the connection and never answers
        started = time.monotonic()
        assert services.endpoint().level == Level.PROBLEM
        assert time.monotonic() - started < services.ENDPOINT_SECONDS + 5


class Page(BaseHTTPRequestHandler):
    """As of a web server that knows nothing of embeddings."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(b"<h1>Welcome</h1>")

    def log_message(self, *_):
        pass


@pytest.mark.django_db
def test_an_endpoint_that_is_a_page_for_people_is_told(embedder, settings):
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        settings.EMBEDDING_BASE_URL = f"http://127.0.0.1:{server.server_address[1]}/v1"
        found = services.endpoint()
    assert (found.level, "EMBEDDING_BASE_URL may lead" in found.sentence) == (Level.NOTE, True)


@pytest.mark.django_db
def test_it_tells_that_the_workers_hold_off(embedder):
    embedding_gate.limited(40)
    assert "limits us for 40 s more" in services.endpoint().sentence
    embedding_gate.reset()
    embedding_gate.probe_failed()
    found = services.endpoint()
    assert (found.level, "Too many requests failed" in found.sentence) == (Level.NOTE, True)
    embedding_gate.reset()
    assert services.endpoint().level == Level.OK


@pytest.mark.django_db
def test_the_deep_look_embeds_a_word(embedder):
    assert services.embedding().facts == {"dimensions": 384}
    assert embedder.texts == ["doctor"]
    embedder.misbehave = lambda _request: (401, {}, b"{}")
    assert services.embedding().facts == {"code": "embedding_auth"}


# --- Life -----------------------------------------------------------------------------------------
@pytest.fixture
def task(user, monkeypatch):
    monkeypatch.setattr(outbox, "_publish_soon", lambda *_: None)
    register(Script())
    return make_task(user)


def make_due(seconds):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tasks_outboxmessage SET due_at = now() - %s * interval '1 second'", [seconds]
        )


@pytest.mark.django_db
def test_nothing_waits_in_an_empty_database():
    assert [life.waiting().level, life.paused().level] == [Level.OK, Level.OK]


@pytest.mark.django_db
def test_a_long_wait_is_told_and_a_problem_if_nothing_runs(task, user):
    assert life.waiting().level == Level.OK
    make_due(100)
    found = life.waiting()
    assert found.level == Level.NOTE
    assert found.facts["oldest_task"] == str(task.pk)
    assert found.facts["oldest_owner"] == user.pk
    assert 100 <= found.facts["oldest_seconds"] < 200
    make_due(1000)
    assert life.waiting().level == Level.PROBLEM
    other = make_task(user)
    task_services.dispatch(other.pk, 1, worker="w")
    assert life.waiting().level == Level.NOTE


@pytest.mark.django_db
def test_pauses_are_counted_by_their_reason(task):
    detail = task_services.dispatch(task.pk, 1, worker="w")
    task_services.postpone(detail, seconds=300, reason="The service asks us to wait.")
    found = life.paused()
    assert (found.level, found.facts) == (
        Level.NOTE, {"reasons": {"The service asks us to wait.": 1}},
    )  # fmt: skip
    assert life.waiting().facts == {}


def test_workers_of_a_broker_that_is_away_can_not_be_asked(own):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{closed.getsockname()[1]}/0"
        servers = OwnServers(None, own.environment | {"REDIS_URL": url})
        ask = "from notebook.diagnosis import life; print(life.consumers().sentence)"
        done = servers.manage("shell", "--no-imports", "--command", ask)
    assert done.stdout == "They can't be asked (OperationalError).\n", done.stderr


# --- /readyz --------------------------------------------------------------------------------------
def timed_readyz(client):
    started = time.monotonic()
    answer = client.get("/readyz")
    return answer.status_code, answer.json(), time.monotonic() - started


@pytest.mark.django_db
@pytest.mark.parametrize("path", health.PATHS)
def test_health_is_told_whatever_name_it_is_asked_by(client, settings, path):
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["notebook.example"], True
    asked_by_address = {"Host": "10.1.2.3:8000"}
    assert client.get(path, headers=asked_by_address).status_code == 200
    assert client.get("/login/", headers=asked_by_address, secure=True).status_code == 400


@pytest.mark.django_db
def test_readyz_is_200_when_both_answer(client):
    status, body, _ = timed_readyz(client)
    assert (status, body) == (200, {"database": True, "broker": True})


@pytest.mark.django_db
def test_readyz_is_503_in_time_with_a_frozen_broker(client, own, own_valkey):
    with own.frozen("valkey"):
        status, body, seconds = timed_readyz(client)
    assert (status, body) == (503, {"database": True, "broker": False})
    assert seconds < 4


def test_readyz_is_503_in_time_with_a_frozen_database(client, own, own_postgres):
    with own.frozen("postgres"):
        status, body, seconds = timed_readyz(client)
    assert (status, body) == (503, {"database": False, "broker": True})
    assert seconds < 6
    assert timed_readyz(client)[:2] == (200, {"database": True, "broker": True})
