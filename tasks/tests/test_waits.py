"""What many steps wait for: nobody looks for himself, and all go on when it is there."""

import psycopg
import pytest
from django.db import connection
from django.db.models.functions import Now

from tasks import outbox, services, waits
from tasks.exceptions import StepPaused
from tasks.models import OutboxMessage
from tasks.tests.factories import broker_away, make_task, raising, run_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def there(monkeypatch):
    """The keys of the kind "bus" that are there."""
    found = set()
    monkeypatch.setattr(waits, "_kinds", {"bus": found.__contains__})
    return found


@pytest.fixture
def waker():
    return waits.Waker()


def pause(user, script, waits_for):
    """A task whose first step waits for it, for an hour at most."""
    script.steps["ONE"] = raising(StepPaused(3600, "It is away.", waits_for=waits_for))
    task = make_task(user)
    run_all(task)
    return task


def due():
    return set(OutboxMessage.objects.filter(due_at__lte=Now()).values_list("task", flat=True))


def test_all_that_wait_for_the_same_go_on_when_it_is_there_and_nobody_else(
    user, script, there, waker
):
    first, second = (pause(user, script, "bus:1") for _ in range(2))
    other = pause(user, script, "bus:2")
    assert (waker.wake(), due()) == (0, set())
    there.add("1")
    assert (waker.wake(), due()) == (2, {first.pk, second.pk})
    assert waker.wake() == 0
    script.steps.clear()
    for task in (first, second, other):
        run_all(task)
    assert [first.status, second.status, other.status] == ["COMPLETED", "COMPLETED", "RUNNING"]


def test_few_go_on_at_first_then_more_and_the_earliest_first(
    user, script, there, waker, monkeypatch
):
    monkeypatch.setattr(waits, "FIRST", 2)
    tasks = [pause(user, script, "bus:1").pk for _ in range(9)]
    there.add("1")
    assert (waker.wake(), due()) == (2, set(tasks[:2]))
    assert (waker.wake(), due()) == (4, set(tasks[:6]))
    there.clear()
    assert waker.wake() == 0
    there.add("1")
    assert (waker.wake(), due()) == (2, set(tasks[:8]))


def test_each_name_is_found_once_and_no_other_message(user, script):
    for name in ("bus:1", "bus:2", "bus:1", "tram:1"):
        pause(user, script, name)
    make_task(user)
    assert outbox.awaited() == ["bus:1", "bus:2", "tram:1"]


def test_what_is_started_again_waits_for_nothing_any_more(user, script, there, waker):
    task = pause(user, script, "bus:1")
    services.cancel(task.pk)
    services.retry(task.pk)
    there.add("1")
    assert (waker.wake(), due()) == (0, {task.pk})


def test_what_a_newer_version_waits_for_is_left_to_it(user, script, there, waker):
    pause(user, script, "tram:1")
    assert (waker.wake(), due()) == (0, set())


def test_a_broker_that_is_away_leaves_them_due(user, script, there, waker, monkeypatch):
    task = pause(user, script, "bus:1")
    there.add("1")
    broker_away(monkeypatch)
    assert (waker.wake(), due()) == (1, {task.pk})


@pytest.mark.django_db(transaction=True)
def test_a_message_that_somebody_holds_is_left_to_the_next_round(user, script, there, waker):
    held, free = (pause(user, script, "bus:1") for _ in range(2))
    there.add("1")
    row = "SELECT FROM tasks_outboxmessage WHERE task_id = %s FOR UPDATE"
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute(row, [held.pk])
        assert (waker.wake(), due()) == (1, {free.pk})
    assert (waker.wake(), due()) == (1, {held.pk, free.pk})
