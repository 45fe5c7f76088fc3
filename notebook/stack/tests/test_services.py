import os
import shutil
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
import redis
from django.conf import settings

from notebook.stack.data_dir import load_secrets, open_data_dir
from notebook.stack.exceptions import StackError
from notebook.stack.postgres import end_earlier_postmaster
from notebook.stack.service import free_port
from notebook.stack.services import EmbeddedServices, running
from notebook.stack.tests.stack_process import wait_until

pytestmark = pytest.mark.usefixtures("no_services_given")

NAME = "DJANGO_SETTINGS_MODULE"
HOLDER = """
import sys, time
from pathlib import Path
from notebook.stack.services import running
with running(Path(sys.argv[1]), embedder=False):
    print("running", flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """One for all: making a database takes seconds, starting it again takes none."""
    return tmp_path_factory.mktemp("services") / "data"


@pytest.fixture
def new_data_dir(tmp_path):
    return tmp_path / "data"


def ask_postgres(variables, query):
    with psycopg.connect(variables["DATABASE_URL"], autocommit=True) as db:
        return db.execute(query).fetchone()


def servers(data_dir):
    """Every running process of the services in `data_dir`."""
    pids = [int(path.read_text().split()[0]) for path in (data_dir / "run").glob("*.pid")]
    leaders = [psutil.Process(pid) for pid in pids]
    return leaders + [child for leader in leaders for child in leader.children(recursive=True)]


def test_settings_other_than_the_products_are_honoured(new_data_dir):
    data_dir = open_data_dir(new_data_dir)
    for given, used in (({}, "notebook.settings"), ({NAME: "other.settings"}, "other.settings")):
        assert EmbeddedServices(data_dir, given=given).variables[NAME] == used


def test_postgres_has_pgvector_and_valkey_keeps_what_it_is_told(data_dir):
    with running(data_dir, embedder=False) as variables:
        with psycopg.connect(variables["DATABASE_URL"]) as db:
            db.execute("CREATE EXTENSION IF NOT EXISTS vector")
            distance = db.execute("SELECT '[1,0]'::vector <=> '[0,1]'::vector").fetchone()
        with redis.Redis.from_url(variables["REDIS_URL"], decode_responses=True) as client:
            policy = client.config_get("maxmemory-policy", "appendonly", "appendfsync")
        everything = servers(data_dir)

    assert distance == (1.0,)
    assert policy == {
        "maxmemory-policy": "noeviction",
        "appendonly": "yes",
        "appendfsync": "everysec",
    }
    assert len(everything) > 2
    assert psutil.wait_procs(everything, timeout=5)[1] == []


def test_data_survives_from_one_run_to_the_next(data_dir):
    with running(data_dir, embedder=False) as variables:
        ask_postgres(variables, "SELECT lo_put(lo_create(4711), 0, 'kept')")
        with redis.Redis.from_url(variables["REDIS_URL"]) as client:
            client.set("kept", "42")

    with running(data_dir, embedder=False) as variables:
        assert ask_postgres(variables, "SELECT lo_get(4711)") == (b"kept",)
        with redis.Redis.from_url(variables["REDIS_URL"]) as client:
            assert client.get("kept") == b"42"


def test_nobody_gets_in_without_the_password_or_from_elsewhere(data_dir):
    with running(data_dir, embedder=False) as variables:
        wrong = urlsplit(variables["DATABASE_URL"])
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(
                wrong._replace(netloc=f"notebook:wrong@127.0.0.1:{wrong.port}").geturl()
            )
        port = urlsplit(variables["REDIS_URL"]).port
        with redis.Redis(port=port) as client, pytest.raises(redis.AuthenticationError):
            client.get("anything")
        listening = {
            connection.laddr.ip
            for server in servers(data_dir)
            for connection in server.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        }

    assert listening == {"127.0.0.1"}


def test_a_closed_folder_and_a_path_longer_than_a_socket_name_work(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o700)
    data_dir = tmp_path / "closed" / ("long " * 20) / ("länger-" * 10)

    with running(data_dir, embedder=False) as variables:
        assert ask_postgres(variables, "SELECT 1") == (1,)


def test_a_directory_in_use_is_refused(data_dir):
    message = f"already runs on this data directory .pid {os.getpid()}"
    with (
        running(data_dir, embedder=False),
        pytest.raises(StackError, match=message),
        running(data_dir, embedder=False),
    ):
        pass


def test_what_the_environment_names_is_not_embedded(data_dir, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/db")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")

    with running(data_dir) as variables:
        found = {path.stem for path in (data_dir / "run").iterdir()}

    assert found == {"valkey"}
    assert "DATABASE_URL" not in variables
    assert "EMBEDDING_BASE_URL" not in variables
    assert variables["REDIS_URL"].endswith("/0")


@pytest.mark.parametrize(
    ("given", "embedded"),
    [
        ({}, ["postgres", "valkey", "embedder"]),
        ({"DATABASE_URL": "postgres://x/y"}, ["valkey", "embedder"]),
        ({"REDIS_URL": "redis://x"}, ["postgres", "embedder"]),
        ({"EMBEDDING_BASE_URL": "http://x/v1"}, ["postgres", "valkey"]),
        ({"OPENAI_API_KEY": "sk-x"}, ["postgres", "valkey"]),
        ({"DATABASE_URL": "", "OPENAI_API_KEY": ""}, ["postgres", "valkey", "embedder"]),
    ],
)
def test_each_service_is_embedded_unless_it_is_named(new_data_dir, given, embedded):
    services = EmbeddedServices(open_data_dir(new_data_dir), given=given)

    assert [service.name for service in services.services] == embedded


def test_a_secret_key_from_the_environment_wins(new_data_dir):
    open_data_dir(new_data_dir)

    own = EmbeddedServices(new_data_dir, given={}).variables["SECRET_KEY"]
    given = EmbeddedServices(new_data_dir, given={"SECRET_KEY": "mine"}).variables["SECRET_KEY"]

    assert given == "mine"
    assert own == load_secrets(new_data_dir)["SECRET_KEY"]


def test_a_killed_holder_leaves_nothing_that_keeps_the_next_from_starting(data_dir):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(data_dir)], stdout=subprocess.PIPE, text=True
    ) as holder:
        wait_until(lambda: holder.stdout.readline().strip() == "running")
        orphans = servers(data_dir)
        holder.send_signal(signal.SIGKILL)

    with running(data_dir, embedder=False) as variables:
        assert [orphan for orphan in orphans if orphan.is_running()] == []
        assert ask_postgres(variables, "SELECT 1") == (1,)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a parent's death")
def test_valkey_goes_with_its_holder_when_it_is_frozen_or_its_folder_is_gone(new_data_dir):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(new_data_dir)], stdout=subprocess.PIPE, text=True
    ) as holder:
        wait_until(lambda: holder.stdout.readline().strip() == "running")
        valkey = psutil.Process(int((new_data_dir / "run" / "valkey.pid").read_text().split()[0]))
        shutil.rmtree(new_data_dir / "valkey")
        valkey.suspend()
        holder.kill()

    assert psutil.wait_procs([valkey], timeout=10)[1] == []


def test_secrets_of_another_database_are_told_at_once(new_data_dir):
    with running(new_data_dir, embedder=False):
        pass
    (new_data_dir / "secrets.json").unlink()

    with (
        pytest.raises(StackError, match=r"postgres is not that in secrets\.json beside it\."),
        running(new_data_dir, embedder=False),
    ):
        pass


def test_an_unrelated_process_in_the_lock_file_is_left_alone(data_dir):
    with running(data_dir, embedder=False):
        pass
    lock = data_dir / "postgres" / "postmaster.pid"
    # Of the same user as the server: the case in which Postgres itself refuses to start.
    owner = (data_dir / "postgres").stat()
    options = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
    bystander = subprocess.Popen(["sleep", "600"], **options)
    lock.write_text(f"{bystander.pid}\n{data_dir}/postgres\n")
    try:
        with running(data_dir, embedder=False) as variables:
            assert ask_postgres(variables, "SELECT 1") == (1,)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("content", ["", "not a number\n", "999999999\n"])
def test_a_meaningless_lock_file_is_removed(tmp_path, content):
    (tmp_path / "postmaster.pid").write_text(content)

    end_earlier_postmaster(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_exchanged_for_another(data_dir, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = iter([taken.getsockname()[1]])
        monkeypatch.setattr(
            "notebook.stack.service.free_port", lambda: next(ports, None) or free_port()
        )
        monkeypatch.setenv("REDIS_URL", "redis://elsewhere")

        with running(data_dir, embedder=False) as variables:
            assert f":{taken.getsockname()[1]}/" not in variables["DATABASE_URL"]
            assert ask_postgres(variables, "SELECT 1") == (1,)


def test_a_port_that_another_postgres_took_is_exchanged_too(data_dir, monkeypatch):
    ports = iter([settings.DATABASES["default"]["PORT"]])
    monkeypatch.setattr(
        "notebook.stack.service.free_port", lambda: next(ports, None) or free_port()
    )
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")

    with running(data_dir, embedder=False) as variables:
        assert ask_postgres(variables, "SELECT 1") == (1,)


def test_an_interrupted_first_start_is_begun_anew(new_data_dir):
    half = open_data_dir(new_data_dir) / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")

    with running(new_data_dir, embedder=False) as variables:
        assert ask_postgres(variables, "SELECT 1") == (1,)
    assert not half.exists()


def test_a_server_that_cannot_start_says_why(data_dir, monkeypatch):
    monkeypatch.setattr("notebook.stack.postgres.SETTINGS", {"shared_buffers": "plenty"})

    with pytest.raises(StackError) as failure, running(data_dir, embedder=False):
        pass

    assert str(failure.value).startswith(
        "postgres did not start: exit code 1. The end of its log, "
    )
    assert 'invalid value for parameter "shared_buffers": "plenty"' in str(failure.value)
