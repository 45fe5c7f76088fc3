"""F40, F55, F63, F67: sweeper and beat die, a clock is wrong, versions differ, no worker runs."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise

import psutil
import pytest
from celery import Celery

from chaos.outages import frozen, gone
from chaos.stack import text
from chaos.test_broker import EMBEDDING, held, problems, until_available
from chaos.variants import faketime
from chaos.watcher import Watcher
from notebook.tests.live import PROJECT, until


# --- F40 ------------------------------------------------------------------------------------------
@pytest.mark.fault("F40", bound=5)
@pytest.mark.parametrize("name", ["sweeper", "beat"])
def test_a_killed_keeper_is_back_at_once(stack, clock, name):
    """`kill -9` of the sweeper or of beat: it is restarted at once, and does its work."""
    was = stack.kill(name)
    with clock:
        until(lambda: runs_anew(stack, name, was), bool)
    stack.until_back(name, after=was)


@pytest.mark.fault("F40", bound=20)
def test_a_beat_that_was_away_catches_up(stack, clock):
    """`kill -9` of beat: missed work, such as removing files after a crash, is done."""
    left = stack.data_dir / "files" / "incoming" / "left.upload"
    left.touch()
    os.utime(left, (0, 0))
    stack.kill("beat")
    with clock:
        until(left.exists, lambda there: not there)


def runs_anew(stack, name, was):
    """Whether the supervisor has restarted it."""
    try:
        process = stack.process(name)
        return process.pid != was and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.Error):  # the record is being replaced
        return False


@contextmanager
def second_sweeper(stack):
    command = [sys.executable, "manage.py", "sweep"]
    sweeper = subprocess.Popen(command, cwd=PROJECT, env=stack.environment | stack.runtime)
    try:
        yield psutil.Process(sweeper.pid)
    finally:
        sweeper.terminate()
        sweeper.wait(30)


def sweeps(stack, process):
    """Whether the process holds the sweeper's lock."""
    query = """
        SELECT client_port FROM pg_stat_activity JOIN pg_locks USING (pid)
        WHERE locktype = 'advisory' AND granted AND objid = x'626F6F6B'::int"""
    ports = {connection.laddr.port for connection in process.net_connections() if connection.laddr}
    with stack.database() as db:
        return any(port in ports for (port,) in db.execute(query).fetchall())


@pytest.mark.fault("F40", bound=15)
def test_a_second_sweeper_waits_and_takes_over(stack, client, clock):
    """Two sweepers: one works, the other takes over when it dies, including lost workers' steps."""
    with held(stack.embedder), second_sweeper(stack) as second:
        document = stack.upload(client, "two-sweepers.txt", text(1))
        until(second.net_connections, bool)  # it has requested the lock
        assert sweeps(stack, stack.process("sweeper"))
        assert not sweeps(stack, second)
        stack.until_step(document["task"]["id"], EMBEDDING, "RUNNING")
        with gone(stack, "sweeper"), clock:
            stack.kill("worker", family=True)
            until(lambda: sweeps(stack, second), bool)
            lost = stack.until_step(document["task"]["id"], EMBEDDING, "PENDING")
            assert lost["losses"] == 1
    until_available(stack, client, [document])


# --- F55 ------------------------------------------------------------------------------------------
@pytest.mark.fault("F55", bound=60)
@pytest.mark.parametrize("minutes", [10, -10])
@pytest.mark.skipif(faketime() is None, reason="libfaketime is not installed")
def test_a_wrong_clock_of_a_worker_changes_nothing(stack, clock, minutes):
    """A worker's clock is ten minutes ahead or behind: leases, turns, durations are right."""
    with stack.changed(CHAOS_WORKER_SKEW=f"{minutes * 60:+d}s"), stack.client() as client:
        with clock, held(stack.embedder) as hold:
            documents = [stack.upload(client, f"skew-{n}.txt", text(1)) for n in range(4)]
            first = stack.until_step(documents[0]["task"]["id"], EMBEDDING, "RUNNING")
            lease = first["lease_expires_at"]
            later = until(  # longer than a lease: it is renewed, and nobody takes the step over
                lambda: stack.detail(documents[0]["task"]["id"], EMBEDDING),
                lambda row: (row["lease_expires_at"] - lease).total_seconds() > 7,
            )
            assert (later["owner"], later["losses"]) == (first["owner"], 0)
            hold.set()
            until_available(stack, client, documents)
        assert abs(clock_of(stack, "worker") - minutes * 60) < 60
        for document in documents:
            assert_times(stack.task(client, document))
        assert_served_in_order(stack, client, documents)


def clock_of(stack, name):
    """By how many seconds its latest log line is ahead of us."""
    lines = [line for line in stack.logs(name).splitlines() if '"timestamp"' in line]
    said = datetime.fromisoformat(json.loads(lines[-1])["timestamp"])
    return (said - datetime.now(UTC)).total_seconds()


def assert_times(task):
    """Nothing ends before it begins, and all of it happened now."""
    for each in (task, *task["task_details"]):
        began, ended = (
            datetime.fromisoformat(each[f"{name}_at"]) for name in ("started", "completed")
        )
        assert began <= ended, each
        assert abs((datetime.now(UTC) - ended).total_seconds()) < 120, each


def assert_served_in_order(stack, client, documents):
    """Except at the last moment, when two free slots may be taken in either order."""
    started = [
        datetime.fromisoformat(stack.task(client, document)["started_at"]).timestamp()
        for document in documents
    ]
    assert all(later > earlier - 2 for earlier, later in pairwise(started))


# --- F63 ------------------------------------------------------------------------------------------
MALFORMED = r"unregistered|Signal handler|ValueError|TypeError|unknown message|NotRegistered"


def send(stack, name, *args, headers=None, **values):
    """A handmade message, as another version would send it."""
    with Celery(broker=stack.runtime["REDIS_URL"], set_as_current=False) as app:
        app.send_task(name, args=args, kwargs=values, headers=headers, queue="document_processing")


@pytest.mark.fault("F63", bound=20)
def test_what_a_newer_version_adds_to_a_message_is_ignored(stack, client, clock):
    """Unknown arguments and headers in a message are ignored."""
    with gone(stack, "worker") as was, frozen(stack, "sweeper"), stack.broker() as broker:
        document = stack.upload(client, "newer.txt", text(1))
        until(lambda: broker.llen("document_processing"), bool)
        broker.delete("document_processing")  # only ours is left
        task_id = document["task"]["id"]
        send(stack, "process_document", task_id, 1, region="eu", headers={"added": "later"})
    stack.until_back("worker", after=was)
    with clock:
        until_available(stack, client, [document])


@pytest.mark.fault("F63", bound=20, errors=(MALFORMED,))
@pytest.mark.representative
def test_messages_that_nobody_understands_kill_no_worker(stack, client, clock):
    """Unknown names and invalid arguments: the same worker continues with the next document."""
    before = (stack.pid("worker"), {child.pid for child in stack.worker_children()})
    send(stack, "summarise_text", "no-id-at-all", 1)
    send(stack, "summarise_text")
    send(stack, "process_document", "no-id-at-all", 1)
    send(stack, "split_text", 1, 2, 3, 4)
    send(stack, "split_text", some="thing")
    with clock:
        document = stack.upload(client, "after-nonsense.txt", text(1))
        until_available(stack, client, [document])
    assert (stack.pid("worker"), {child.pid for child in stack.worker_children()}) == before


@pytest.mark.fault("F63", bound=60, errors=(MALFORMED,))
def test_a_step_that_only_newer_workers_know_waits_for_them(stack, clock):
    """Old workers lack a step: it is parked and delays nobody; a new worker does it."""
    with stack.changed(CHAOS_WORKER_LACKS="split_text"), stack.client() as client:
        worker = stack.pid("worker")
        documents = [stack.upload(client, f"parked-{n}.txt", text(1)) for n in range(4)]
        for document in documents:  # though each parked one has had its turn before
            stack.until_step(document["task"]["id"], "TEXT_EXTRACTION", "COMPLETED", seconds=60)
        until(lambda: parked(stack), lambda found: found == len(documents), seconds=60)
        assert stack.pid("worker") == worker
    with clock, stack.client() as client:
        until_available(stack, client, documents)


def parked(stack):
    """How many messages the old worker has refused, and which wait for a newer one."""
    query = """
        SELECT count(*) FROM tasks_outboxmessage WHERE step_type = 'TEXT_SPLITTING'
        AND sent_at IS NULL AND due_at > created_at + interval '10 seconds'"""
    with stack.database() as db:
        return db.execute(query).fetchone()[0]


# --- F67 ------------------------------------------------------------------------------------------
@pytest.mark.fault("F67", bound=20)
@pytest.mark.representative
def test_who_waits_is_told_that_no_worker_runs(stack, client, clock):
    """No worker at all: waiting users see it, and everything continues when one is back."""
    with gone(stack, "worker") as was:
        document = stack.upload(client, "nobody.txt", text(1))
        with Watcher(stack, client, document) as watcher:
            until(lambda: problems(stack, client, document), lambda told: told == ["no_worker"])
            shown = stack.task(client, document)["task_details"][0]["error_message"]
            assert shown == "No worker is running. This starts by itself when one is."
            until(lambda: said_problems(watcher), lambda told: "no_worker" in told)
    stack.until_back("worker", after=was)
    with clock:
        until_available(stack, client, [document])
        until(lambda: problems(stack, client, document), lambda told: told == [])


def said_problems(watcher):
    """The socket's message, which is the same."""
    details = [
        detail["details"]
        for connection in watcher.socket_said
        for snapshot in connection
        for detail in snapshot["task_details"]
    ]
    return [each["queue"]["problem"] for each in details if each.get("queue")]
