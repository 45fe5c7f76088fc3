"""What keeps promises when something died: one sweeper at a time takes over, wakes and feeds."""

from datetime import timedelta

import psycopg
import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.db.utils import ConnectionHandler

from tasks import outbox, services, sweeper
from tasks.management.commands.sweep import _round
from tasks.models import OutboxMessage, Task, TaskDetail
from tasks.pipelines import StepResult
from tasks.tests.factories import (
    broker_away,
    let_leases_run_out,
    lose_messages,
    make_task,
    run_all,
    waiting_in_broker,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def script(script, settings):
    settings.TASK_HEARTBEAT_SECONDS = 3600
    return script


@pytest.fixture
def task(user):
    return make_task(user)


@pytest.fixture
def running(task):
    return services.dispatch(task.pk, 1, worker="w")


def test_a_sweep_takes_over_and_wakes_without_any_broker(task, running, user, monkeypatch):
    broker_away(monkeypatch)
    let_leases_run_out()
    stranded = make_task(user)
    OutboxMessage.objects.filter(task=stranded).delete()
    sweeper.sweep()
    assert dict(OutboxMessage.objects.values_list("task", "step_type")) == {
        task.pk: "ONE",
        stranded.pk: "",
    }


def test_a_step_whose_lease_ran_out_is_taken_over_and_the_zombie_writes_nothing(task):
    zombie = services.dispatch(task.pk, 1, worker="dead")
    assert sweeper.take_over_lost_steps() == 0
    let_leases_run_out()
    assert sweeper.take_over_lost_steps() == 1
    run_all(task)
    assert task.status == "COMPLETED"
    with pytest.raises(services.Fenced):
        services.complete(zombie, StepResult())


def test_a_stranded_task_is_woken_by_the_sweeper(task):
    OutboxMessage.objects.all().delete()
    assert sweeper.wake_stranded_tasks() == 1
    run_all(task)
    assert task.status == "COMPLETED"


def test_a_task_of_a_pipeline_that_this_version_lacks_holds_up_no_other(task, running, user):
    """As after a return to an earlier version."""
    Task.objects.filter(pk=task.pk).update(pipeline="of tomorrow")
    lost, stranded = make_task(user), make_task(user)
    services.dispatch(lost.pk, 1, worker="w")
    let_leases_run_out(task=lost)
    let_leases_run_out(task=task)
    Task.objects.filter(pk=make_running(user).pk).update(pipeline="of tomorrow")
    OutboxMessage.objects.filter(task=stranded).delete()
    sweeper.sweep()
    assert dict(OutboxMessage.objects.values_list("task", "step_type")) == {
        lost.pk: "ONE",
        stranded.pk: "",
    }


def make_running(user):
    """A task that runs and has neither a step to run nor a message."""
    task = make_task(user)
    services.complete(services.dispatch(task.pk, 1, worker="w"), StepResult())
    TaskDetail.objects.filter(task=task).exclude(status="COMPLETED").delete()
    OutboxMessage.objects.filter(task=task).delete()
    return task


def test_a_lease_that_has_time_is_left_alone(running):
    assert sweeper.take_over_lost_steps() == 0
    assert services.heartbeat(running) is True


def test_a_worker_that_was_only_slow_keeps_its_step(running, monkeypatch):
    """Its heartbeat comes between the sweeper's look and the sweeper's move."""
    let_leases_run_out()
    take_over = services.take_over

    def late(detail, error):
        assert services.heartbeat(running) is True
        take_over(detail, error)

    monkeypatch.setattr(services, "take_over", late)
    assert sweeper.take_over_lost_steps() == 0
    running.refresh_from_db()
    assert (running.status, running.losses) == ("RUNNING", 0)


def test_a_step_cancelled_under_the_sweepers_hand_does_not_end_its_round(
    user, task, running, monkeypatch
):
    other = make_task(user)
    services.dispatch(other.pk, 1, worker="w")
    let_leases_run_out()
    take_over, seen = services.take_over, []

    def late(detail, error):
        if not seen:
            services.cancel(detail.task_id)
        seen.append(detail.task_id)
        take_over(detail, error)

    monkeypatch.setattr(services, "take_over", late)
    assert sweeper.take_over_lost_steps() == 1
    assert set(seen) == {task.pk, other.pk}
    assert OutboxMessage.objects.get().task_id == seen[1]


def test_a_running_task_without_a_message_goes_on_where_it_was(task, running):
    services.complete(running, StepResult())
    OutboxMessage.objects.all().delete()
    assert sweeper.wake_stranded_tasks() == 1
    assert OutboxMessage.objects.get().step_type == "TWO"
    run_all(task)
    assert task.status == "COMPLETED"


def test_who_runs_waits_or_ended_is_not_woken(user, task, running):
    make_task(user)
    services.cancel(make_task(user).pk)
    assert sweeper.wake_stranded_tasks() == 0


def test_a_task_whose_steps_are_gone_ends_and_the_next_is_woken_all_the_same(task, running, user):
    services.complete(running, StepResult())
    TaskDetail.objects.exclude(status="COMPLETED").delete()
    other = make_task(user)
    OutboxMessage.objects.all().delete()
    assert sweeper.wake_stranded_tasks() == 2
    task.refresh_from_db()
    assert (task.status, task.error_code) == ("FAILED", "internal_error")
    assert OutboxMessage.objects.get().task == other
    with pytest.raises(services.WrongState, match="no step left"):
        services.retry(task.pk)


def test_feeding_sends_and_says_that_nobody_works(task):
    lose_messages()
    sweeper.feed_the_queue()
    message = OutboxMessage.objects.get()
    assert message.sent_at is not None
    assert message.problem == "no_worker"
    assert waiting_in_broker() == 1
    lose_messages()


def test_feeding_says_that_the_broker_is_away(task, monkeypatch):
    broker_away(monkeypatch)
    sweeper.feed_the_queue()
    message = OutboxMessage.objects.get()
    assert (message.sent_at, message.problem) == (None, "queue_unavailable")


def test_feeding_sends_again_what_the_broker_lost(task, settings):
    settings.REPUBLISH_SECONDS = 0
    outbox.publish_due()
    lose_messages()
    OutboxMessage.objects.update(sent_at=Now() - timedelta(seconds=1))
    assert waiting_in_broker() == 0
    sweeper.feed_the_queue()
    assert waiting_in_broker() == 1
    lose_messages()


def test_a_sweeper_that_lets_go_lets_another_in_though_a_pool_keeps_its_connections(
    settings, monkeypatch
):
    options = {**settings.DATABASES["default"]["OPTIONS"], "pool": {"min_size": 0, "max_size": 2}}
    pooled = ConnectionHandler({"default": settings.DATABASES["default"] | {"OPTIONS": options}})
    monkeypatch.setattr(sweeper, "connection", pooled["default"])
    assert sweeper.try_lock() is True
    sweeper.let_go()
    try:
        with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as it:
            taken = it.execute("SELECT pg_try_advisory_lock(%s)", [sweeper.LOCK_ID]).fetchone()
        assert taken == (True,)
    finally:
        pooled["default"].close_pool()


def test_who_becomes_the_sweeper_lets_workers_renew_their_leases_first(running):
    """They may have waited for Postgres as long, and their leases have run out meanwhile."""
    let_leases_run_out()
    locked = _round(False)
    try:
        running.refresh_from_db()
        assert (locked, running.status) == (True, "RUNNING")
        assert _round(locked) is True
        running.refresh_from_db()
        assert (running.status, running.losses) == ("PENDING", 1)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [sweeper.LOCK_ID])


def test_a_sweeper_that_never_had_a_connection_may_let_go(monkeypatch):
    unused = ConnectionHandler({"default": connection.settings_dict})["default"]
    monkeypatch.setattr(sweeper, "connection", unused)
    sweeper.let_go()
    assert unused.connection is None


def test_an_error_of_the_database_that_is_no_lock_ends_the_round(running, monkeypatch):
    def away(*_):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(services, "take_over", away)
    let_leases_run_out()
    with pytest.raises(OperationalError, match="lost"):
        sweeper.take_over_lost_steps()


def test_one_sweeper_at_a_time():
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        taken = other.execute("SELECT pg_try_advisory_lock(%s)", [sweeper.LOCK_ID]).fetchone()
        assert taken == (True,)
        assert sweeper.try_lock() is False
        other.execute("SELECT pg_advisory_unlock(%s)", [sweeper.LOCK_ID])
    assert sweeper.try_lock() is True
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(%s)", [sweeper.LOCK_ID])
    assert Task.objects.count() == 0
