"""What is due reaches the real broker, after the commit and never before, lost or not."""

import json
import time
from datetime import timedelta

import pytest
from celery import current_app
from celery.signals import task_unknown
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from kombu.message import Message

from tasks import outbox, services
from tasks.models import OutboxMessage, Status, Worker
from tasks.tests.factories import (
    Script,
    broker_away,
    lose_messages,
    make_task,
    register,
    waiting_in_broker,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def empty_broker():
    register(Script())
    lose_messages()
    yield
    _all_sent()
    lose_messages()


def _all_sent():
    """The thread that sends after a commit has nothing left to do."""
    outbox._sender.submit(int).result(timeout=60)


def received():
    """The Celery task's name and its arguments, of each message in the broker."""
    _all_sent()
    found = []
    with current_app.connection_for_write() as broker:
        while message := broker.default_channel.basic_get(
            current_app.conf.task_default_queue, no_ack=True
        ):
            arguments, *_ = json.loads(message.body)
            found.append((message.headers["task"], arguments))
    return found


def test_a_start_sends_the_dispatcher_and_a_turn_that_ends_the_next_step(user):
    task = make_task(user)
    assert received() == [("test_start", [str(task.pk), 1])]
    detail = services.dispatch(task.pk, 1, worker="w")
    assert received() == []
    services.complete(detail, services.StepResult())
    assert received() == [("test_TWO", [str(task.pk), 1])]
    services.cancel(task.pk)
    services.retry(task.pk)
    assert received() == [("test_start", [str(task.pk), 2])]


def test_what_is_rolled_back_is_never_sent(user):
    with transaction.atomic():
        make_task(user)
        assert received() == []
        transaction.set_rollback(True)
    assert received() == []


def test_in_a_worker_it_is_sent_at_once(user, monkeypatch):
    monkeypatch.setattr(outbox, "current_task", object())
    monkeypatch.setattr(outbox, "_sender", None)
    task = make_task(user)
    monkeypatch.undo()
    assert received() == [("test_start", [str(task.pk), 1])]


def test_a_broker_that_is_away_costs_a_start_nothing_and_gets_it_later(user, monkeypatch):
    broker_away(monkeypatch)
    make_task(user)
    assert outbox.publish_due() == 0
    _all_sent()
    assert OutboxMessage.objects.get().sent_at is None
    monkeypatch.undo()
    assert outbox.publish_due() == 1
    assert outbox.publish_due() == 0
    assert len(received()) == 1


def test_a_postponed_step_is_sent_when_it_is_due_and_not_before(user):
    task = make_task(user)
    detail = services.dispatch(task.pk, 1, worker="w")
    received()
    services.postpone(detail, seconds=60)
    assert (received(), outbox.publish_due()) == ([], 0)
    OutboxMessage.objects.update(due_at=Now())
    assert outbox.publish_due() == 1
    assert received() == [("test_ONE", [str(task.pk), 1])]


def test_only_what_the_broker_lost_is_sent_again(user):
    make_task(user)
    _all_sent()
    assert outbox.republish_lost(after=3600) == 0
    assert outbox.republish_lost(after=0) == 0  # it lies in the queue
    lose_messages()
    assert outbox.republish_lost(after=3600) == 0  # a worker may just have taken it
    assert outbox.republish_lost(after=0) == 1
    assert outbox.publish_due() == 1
    assert len(received()) == 1


def test_while_no_worker_takes_messages_up_no_more_are_sent(user):
    """Or a night without workers fills the broker, and a newcomer waits behind all of that."""
    for _ in range(4):
        make_task(user)
    _all_sent()
    for _ in range(4):
        sent = OutboxMessage.objects.exclude(sent_at=None)
        sent.update(sent_at=F("sent_at") - timedelta(seconds=20))
        outbox.publish_due()
        outbox.republish_lost(after=3)
    assert waiting_in_broker() == 1


@pytest.fixture
def worker():
    """With so many slots two messages may wait in the broker."""
    return Worker.objects.create(name="w", slots=4)


def test_a_database_that_is_away_leaves_the_sending_to_the_sweeper(user, worker, monkeypatch):
    def gone():
        raise outbox.DatabaseError("gone")

    with monkeypatch.context() as patched:
        patched.setattr(outbox, "publish_due", gone)
        make_task(user)
        _all_sent()
    assert OutboxMessage.objects.get().sent_at is None
    make_task(user)  # and the thread lives on
    deadline = time.monotonic() + 30
    while waiting_in_broker() < 2 and time.monotonic() < deadline:
        _all_sent()
    assert waiting_in_broker() == 2


def test_a_step_of_a_newer_version_is_parked_and_holds_nobody_up(user, worker):
    task = make_task(user)
    received()
    OutboxMessage.objects.update(step_type="FROM_A_NEWER_VERSION", sent_at=None)
    other = make_task(user)
    outbox.publish_due()
    assert received() == [("test_start", [str(other.pk), 1])]
    parked = OutboxMessage.objects.filter(task=task, sent_at=None, due_at__gt=Now())
    assert parked.count() == 1
    OutboxMessage.objects.filter(task=task).update(step_type="", due_at=Now())
    assert outbox.publish_due() == 1
    assert received() == [("test_start", [str(task.pk), 1])]


def test_what_a_worker_did_not_know_is_parked(user):
    task = make_task(user)
    assert len(received()) == 1
    for body in ("nonsense", [[str(task.pk), 1], {}, {}]):
        message = Message(json.dumps(body), content_type="application/json")
        task_unknown.send(sender=None, message=message, exc=None, name="newer", id="1")
    assert OutboxMessage.objects.filter(task=task, sent_at=None, due_at__gt=Now()).exists()


def test_arguments_of_a_newer_version_are_ignored(user):
    task = make_task(user)
    current_app.loader.import_task_module("tasks.tasks")
    current_app.tasks["process_document"](str(task.pk), 1, added_later=True)
    task.refresh_from_db()
    assert task.status == Status.COMPLETED
