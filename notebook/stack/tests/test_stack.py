"""The whole stack, started as `make run` starts it."""

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass

import psutil
import pytest

from notebook.stack.__main__ import read_options
from notebook.stack.child import PROJECT_DIR
from notebook.stack.exceptions import StackError
from notebook.stack.service import free_port
from notebook.stack.supervisor import Options, require_free_port
from notebook.stack.tests.stack_process import Stack, bare_environment, wait_until

pytestmark = pytest.mark.timeout(300)  # a start takes a minute on a busy machine

EVERYTHING = ("postgres", "valkey", "web", "worker", "sweeper", "beat")
READY = r"^Notebook is ready at (http://127\.0\.0\.1:\d+/)$"


@dataclass
class Life:
    """What was seen from one start of the stack to its end; starts are dear."""

    supervisor: int
    address: str
    health: int
    variables: dict[str, str]
    runtime_mode: int
    listening: set[str]
    refused_second: Stack
    killed_web: int
    restarted_web: int
    exit_code: int
    seconds_to_stop: float
    family: list[psutil.Process]
    stack: Stack


@pytest.fixture(scope="module")
def life(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("stack") / "data"
    environment = bare_environment() | {
        "PORT": str(free_port()),
        "EMBEDDING_BASE_URL": "http://127.0.0.1:9/v1",
        "ADMIN_PASSWORD": "a password for one test",
        "WORKER_CONCURRENCY": "1",
    }
    stack = Stack(data_dir, environment)
    try:
        return live(stack, environment)
    finally:
        stack.kill()


def live(stack, environment):
    address = stack.wait_for(READY)[1]
    with urllib.request.urlopen(f"{address}healthz", timeout=10) as answer:
        health = answer.status
    runtime = stack.data_dir / "runtime.json"
    variables, runtime_mode = json.loads(runtime.read_text()), runtime.stat().st_mode
    second = Stack(stack.data_dir, environment)
    second.process.wait(timeout=60)

    killed_web = stack.pid("web")
    psutil.Process(killed_web).kill()
    stack.wait_for(r"^web stopped \(killed by signal 9\); starting it again\. Log: .*web\.log$")
    wait_until(lambda: stack.runs("web") and stack.pid("web") != killed_web)
    wait_until(lambda: all(map(stack.runs, EVERYTHING)))

    family, restarted_web, asked_at = stack.family(), stack.pid("web"), time.monotonic()
    listening = set.union(*map(addresses, family))
    stack.process.send_signal(signal.SIGTERM)
    return Life(
        supervisor=stack.process.pid,
        address=address,
        health=health,
        variables=variables,
        runtime_mode=runtime_mode,
        listening=listening,
        refused_second=second,
        killed_web=killed_web,
        restarted_web=restarted_web,
        exit_code=stack.process.wait(timeout=60),
        seconds_to_stop=time.monotonic() - asked_at,
        family=family,
        stack=stack,
    )


def addresses(process):
    """Where a process listens; one that ended meanwhile listens nowhere."""
    with contextlib.suppress(psutil.NoSuchProcess):
        connections = process.net_connections("inet")
        return {each.laddr.ip for each in connections if each.status == psutil.CONN_LISTEN}
    return set()


def test_it_says_where_it_is_ready_and_answers_there(life):
    assert life.health == 200


def test_it_says_how_to_sign_in_without_telling_a_given_password(life):
    assert "Sign in as admin with the password from ADMIN_PASSWORD\n" in life.stack.said
    assert "a password for one test" not in life.stack.said


def test_it_says_what_it_does_not_start(life):
    assert "No embedder of our own: EMBEDDING_BASE_URL given.\n" in life.stack.said


def test_other_commands_learn_from_a_private_file_how_to_reach_it(life):
    assert stat.S_IMODE(life.runtime_mode) == 0o600
    assert life.variables["EMBEDDING_BASE_URL"] == "http://127.0.0.1:9/v1"
    assert life.variables.keys() == {
        "DATABASE_URL",
        "DATA_DIR",
        "DJANGO_SETTINGS_MODULE",
        "DO_NOT_TRACK",
        "EMBEDDING_BASE_URL",
        "PORT",
        "REDIS_URL",
        "SECRET_KEY",
    }


def test_everything_listens_on_the_loopback_address_only(life):
    assert life.listening == {"127.0.0.1"}


def test_the_same_data_directory_twice_is_refused(life):
    assert life.refused_second.process.returncode == 1
    assert life.refused_second.said == (
        "Error: Notebook already runs on this data directory"
        f" (pid {life.supervisor}): {life.stack.data_dir}\n"
    )


def test_a_killed_child_is_started_again(life):
    assert life.restarted_web != life.killed_web


def still_runs(process):
    """A zombie has ended; its record goes when the system's first process gets to it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def test_it_stops_within_ten_seconds_and_leaves_nothing_behind(life):
    assert life.exit_code == 0
    assert life.seconds_to_stop < 10
    assert [process for process in life.family if still_runs(process)] == []
    assert life.stack.said.endswith("Stopping ...\nStopped.\n")
    left = {path.name for path in life.stack.data_dir.iterdir()}
    assert "runtime.json" not in left
    assert list((life.stack.data_dir / "run").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a parent's death")
def test_a_killed_supervisor_takes_its_children_along(tmp_path):
    environment = bare_environment() | {"OPENAI_API_KEY": "sk-none"}
    stack = Stack(tmp_path / "data", environment, "--no-web")
    stack.wait_for("^Bringing the database up to date")
    family = stack.family()
    names = {process.name() for process in family}
    stack.kill()

    assert names >= {"postgres", "valkey-server"}
    assert psutil.wait_procs(family, timeout=10)[1] == []


def test_ingest_without_a_stack_starts_one_whatever_a_killed_one_left(embedding_server, tmp_path):
    (tmp_path / "runtime.json").write_text('{"DATABASE_URL": "postgres://n@127.0.0.1:1/gone"}')
    (tmp_path / "a.md").write_text("Some words.")
    settings = ("EMBEDDING_BASE_URL", "EMBEDDING_DIMENSIONS", "OPENAI_API_KEY")
    environment = bare_environment() | {name: os.environ[name] for name in settings}

    command = [sys.executable, "manage.py", "ingest", str(tmp_path / "a.md")]
    done = subprocess.run(
        command,
        cwd=PROJECT_DIR,
        env=environment | {"DATA_DIR": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )

    assert "a.md: AVAILABLE, 1 chunks" in done.stdout, done.stderr
    assert done.returncode == 0


def test_a_taken_port_is_refused_before_anything_starts(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        stack = Stack(tmp_path / "data", bare_environment() | {"PORT": str(port)})
        assert stack.process.wait(timeout=30) == 1

    assert stack.said == (
        f"Error: Port {port} can't be used (Address already in use)."
        " Choose another: make run PORT=8001\n"
    )
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_a_host_that_is_not_this_machine_is_refused(host):
    with pytest.raises(StackError, match=f"^HOST must be an address of this machine, not {host} "):
        require_free_port(host, free_port())


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_refused(monkeypatch, port):
    monkeypatch.setenv("PORT", port)

    with pytest.raises(StackError, match=f"PORT must be a number from 1 to 65535, not {port}\\."):
        read_options([])


def test_port_and_data_directory_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.delenv("HOST", raising=False)

    assert read_options(["--no-web"]) == Options(
        data_dir=tmp_path, host="127.0.0.1", port=8123, web=False
    )
