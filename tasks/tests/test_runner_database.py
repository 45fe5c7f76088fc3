"""A database that comes and goes while a step runs costs no work."""

import threading
from types import SimpleNamespace

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, connection

from tasks import runner, services
from tasks.pipelines import StepResult
from tasks.tests.factories import make_task, run_all

pytestmark = pytest.mark.django_db


class Impatient(threading.Event):
    """Does not wait between two tries to write."""

    def wait(self, timeout=None):
        return super().wait(0 if 0.1 < timeout <= 10 else timeout)


@pytest.fixture(autouse=True)
def script(script, monkeypatch, settings):
    settings.TASK_HEARTBEAT_SECONDS = 3600
    impatient = SimpleNamespace(Event=Impatient, Thread=threading.Thread)
    monkeypatch.setattr(runner, "threading", impatient)
    return script


@pytest.fixture
def task(user):
    return make_task(user)


def cut_our_connection():
    """As a restart of Postgres does."""
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


@pytest.mark.django_db(transaction=True)
def test_a_database_that_restarts_costs_neither_progress_nor_the_result(task, script, monkeypatch):
    monkeypatch.setattr(runner, "REPORT_SECONDS", 0)

    def step(run):
        cut_our_connection()
        run.report(1, 2)
        cut_our_connection()
        return StepResult(details={"done": True})

    script.steps["TWO"] = step
    run_all(task)
    assert script.runs == ["ONE", "TWO", "THREE"]
    assert (task.status, task.task_details.get(step_type="TWO").details) == (
        "COMPLETED",
        {"done": True},
    )


def test_a_database_that_stays_away_leaves_the_step_to_its_lease(task, script, monkeypatch):
    tries = []

    def away(*_args, **_values):
        tries.append(1)
        raise OperationalError("away")

    monkeypatch.setattr(runner.connection, "close", lambda: None)  # the test's transaction
    monkeypatch.setattr(services, "fail", away)
    monkeypatch.setattr(services, "complete", away)
    monkeypatch.setattr(services, "postpone", away)
    with pytest.raises(OperationalError):
        run_all(task)
    assert len(tries) == 10  # five to complete, and five to say why not
    assert task.task_details.get(step_type="ONE").status == "RUNNING"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
def test_the_heart_beats_on_after_a_database_error(task, script, settings, monkeypatch, error):
    settings.TASK_HEARTBEAT_SECONDS = 0.01
    beats, heartbeat = threading.Semaphore(0), services.heartbeat
    errors = [error]

    def beat(detail):
        if errors:
            raise errors.pop()
        beats.release(heartbeat(detail))

    monkeypatch.setattr(services, "heartbeat", beat)

    def step(_run):
        assert beats.acquire(timeout=30)
        return StepResult()

    script.steps["ONE"] = step
    run_all(task)
    assert task.status == "COMPLETED"
