"""Whose turn it is, and what who waits is told."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from tasks import events, outbox, queue, services, workers
from tasks.models import Lane, OutboxMessage, Status, Task, TaskDetail, Worker
from tasks.pipelines import StepResult
from tasks.tests.factories import Script, fill_queue, register

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(outbox, "_publish_soon", lambda *_: None)
    register(Script())


@pytest.fixture
def slots():
    def set_slots(count):
        Worker.objects.update_or_create(name="w", defaults={"slots": count, "seen_at": Now()})

    set_slots(4)  # so two messages at a time
    return set_slots


def add(owner, count=1, lane=Lane.QUICK, effort=0):
    given = {"pipeline": "test", "owner_id": owner.pk, "document_id": None, "options": {}}
    return [services.start(**given, lane=lane, effort=effort).pk for _ in range(count)]


def admitted():
    return [message.task_id for message in queue.admit()]


def finish(task_ids):
    """What workers do with messages, told short: the task is over."""
    for task_id in task_ids:
        services.cancel(task_id)


def run(task_id):
    """A worker took the task's first step and is at it."""
    return services.dispatch(task_id, 1, worker="w")


def test_few_messages_wait_in_the_broker(user, slots):
    waiting = add(user, 5)
    assert set(admitted()) == set(waiting[:2])
    assert admitted() == []


def test_a_message_may_be_sent_while_somebody_waits_and_the_broker_has_room(user, slots):
    assert not queue.may_send()  # nobody waits
    add(user, 4)
    assert queue.may_send()
    first, second = admitted()
    assert not queue.may_send()  # no room
    run(first)
    assert queue.may_send()
    admitted()
    OutboxMessage.objects.filter(pk=second).update(sent_at=Now() - timedelta(hours=1))
    assert queue.may_send()  # that one got lost


def test_the_older_task_comes_first(user, slots):
    slots(1)
    waiting = add(user, 4)
    order = []
    while found := admitted():
        order += found
        finish(found)
    assert order == waiting


def test_less_work_comes_before_more_but_not_for_ever(user, slots):
    slots(1)
    (large,) = add(user, effort=60)
    (small,) = add(user, effort=1)
    OutboxMessage.objects.filter(pk=large).update(turn_at=F("turn_at") - timedelta(seconds=30))
    assert admitted() == [small]
    finish([small])
    (late,) = add(user, effort=1)
    OutboxMessage.objects.filter(pk=large).update(turn_at=F("turn_at") - timedelta(seconds=30))
    assert admitted() == [large]
    assert late


def test_one_upload_does_not_wait_behind_an_import_of_somebody_else(user, other_user, slots):
    add(user, 50)
    (single,) = add(other_user)
    assert single in admitted()


def test_owners_take_turns_whatever_they_have_waiting(user, other_user, slots):
    slots(36)  # ten messages
    mine, others = add(user, 40), add(other_user, 5)
    found = admitted()
    assert len(set(found) & set(mine)) == 5
    assert set(others) <= set(found)


def test_a_newcomer_waits_for_one_turn_of_each_owner_and_not_for_all_they_brought(
    user, slots, django_user_model
):
    slots(3)
    others = [django_user_model.objects.create_user(f"owner-{n}") for n in range(6)]
    for each in others:
        add(each, 8)
    (mine,) = add(user)
    order, running = [], []
    while mine not in order:
        found = admitted()
        for task_id in found:
            run(task_id)
        order, running = order + found, running + found
        if len(running) > 3:
            finish([running.pop(0)])
    assert len(order) <= len(others) + 1


def test_who_is_served_already_comes_after_who_is_not(user, other_user, slots):
    first = add(user, 8)
    for task_id in admitted():
        run(task_id)
    later = add(other_user, 4)
    assert set(admitted()) == set(later[:2])
    assert OutboxMessage.objects.filter(task_id__in=first[2:], sent_at=None).count() == 6


def test_long_work_leaves_a_slot_free(user, slots):
    slots(3)  # one message at a time
    long = add(user, 5, Lane.BULK)
    for task_id in long[:2]:
        assert admitted() == [task_id]
        run(task_id)
    assert admitted() == []  # two run
    (short,) = add(user)
    assert admitted() == [short]


def test_a_single_slot_serves_long_work_too(user, slots):
    slots(1)
    (long,) = add(user, 1, Lane.BULK)
    assert admitted() == [long]


def test_long_work_is_not_starved_by_short_work(user, slots):
    (long,) = add(user, 1, Lane.BULK)
    add(user, 20)
    assert long in admitted()


def test_what_the_broker_refused_waits_on(user, slots):
    add(user, 2)
    messages = queue.admit()
    queue.refuse(messages)
    assert set(admitted()) == {message.task_id for message in messages}


def test_a_lost_message_does_not_block_the_others_for_ever(user, slots):
    """Not even if the sweeper, which sends it again, does not notice."""
    slots(1)
    first, second = add(user, 2)
    assert admitted() == [first]
    assert admitted() == []
    OutboxMessage.objects.filter(pk=first).update(sent_at=Now() - timedelta(hours=1))
    assert admitted() == [second]


def test_what_is_not_due_has_no_turn(user, slots):
    add(user)
    OutboxMessage.objects.update(due_at=Now() + timedelta(minutes=1))
    assert admitted() == []
    assert queue.rank() == 0


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_never_send_the_same(user, slots):
    slots(76)  # twenty messages
    add(user, 40)

    def admit():
        try:
            return [message.task_id for message in queue.admit()]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        found = [task_id for ids in pool.map(lambda _: admit(), range(8)) for task_id in ids]
    assert len(found) == len(set(found)) == 20


@pytest.mark.django_db(transaction=True)
def test_what_somebody_is_changing_is_not_sent(user, slots):
    first, second = add(user, 2)
    with transaction.atomic():
        OutboxMessage.objects.select_for_update().get(pk=first)
        with ThreadPoolExecutor(1) as pool:
            found = pool.submit(lambda: (admitted(), connection.close())[0]).result()
    assert found == [second]


def rows_read(statement):
    """How many messages a statement reads, whether it needs them or not."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", queue._ADMISSION)
        (plans,) = cursor.fetchone()
    (found,) = json.loads(plans) if isinstance(plans, str) else plans
    return _read(found["Plan"])


def _read(plan):
    mine = plan.get("Relation Name") == "tasks_outboxmessage" and "Scan" in plan["Node Type"]
    each = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    return mine * each * plan["Actual Loops"] + sum(map(_read, plan.get("Plans", ())))


def test_to_send_a_message_reads_few_rows_however_many_wait(user, other_user, slots):
    fill_queue(user)
    fill_queue(other_user)
    assert rows_read(queue._ADMIT) < 50
    assert rows_read(queue._ROOM) < 50


def test_to_find_that_all_who_wait_are_paused_reads_few_rows(user, slots):
    fill_queue(user, wait=timedelta(hours=1))
    assert rows_read(queue._SOMEBODY) < 50


def shown(task_id):
    """The first step that waits, as clients see it."""
    task = events.with_details(Task.objects.filter(pk=task_id)).get()
    return events.snapshot(task)["task_details"][0]


def test_who_waits_is_told_the_position(user, other_user, slots):
    waiting = add(user, 3)
    (other,) = add(other_user)
    queue.rank()
    places = [shown(task_id)["details"]["queue"]["position"] for task_id in waiting]
    assert places == [1, 3, 4]
    assert shown(other)["details"]["queue"] == {"position": 2, "seconds": None, "problem": None}


def test_the_estimate_follows_the_pace_of_the_last_minutes(user, slots):
    done = Task.objects.create(pipeline="test", owner=user)
    TaskDetail.objects.bulk_create(
        TaskDetail(
            task=done, step_type=str(n), step_order=n, status=Status.COMPLETED, completed_at=Now()
        )
        for n in range(60)
    )
    waiting = add(user, 3)
    queue.rank()
    seconds = [shown(task_id)["details"]["queue"]["seconds"] for task_id in waiting]
    assert seconds == [2, 4, 6]  # sixty turns in two minutes


def test_a_new_task_waits_for_its_owners_and_for_one_of_each_other(user, other_user, slots):
    assert queue.wait_of(user.pk) == 0
    waiting = [*add(user, 2), *add(other_user, 4)]
    assert queue.wait_of(user.pk) == 0  # not told yet
    for task_id, seconds in zip(waiting, (2, 6, 4, 8, 10, 12), strict=True):
        OutboxMessage.objects.filter(pk=task_id).update(seconds=seconds)
    newcomer = 0
    assert [queue.wait_of(pk) for pk in (user.pk, other_user.pk, newcomer)] == [6, 12, 4]


def test_only_news_is_told_and_every_news_has_a_new_seq(user, slots):
    waiting = add(user, 3)
    seqs = lambda: list(Task.objects.order_by("created_at").values_list("seq", flat=True))  # noqa: E731
    assert queue.rank() == 3
    assert seqs() == [2, 2, 2]
    assert queue.rank() == 0
    finish(waiting[:1])
    assert queue.rank() == 2
    assert seqs()[1:] == [3, 3]


def test_a_long_queue_is_told_in_two_digits(user, slots):
    add(user, 125)
    queue.rank()
    places = set(OutboxMessage.objects.values_list("position", flat=True))
    assert places == {*range(1, 10), *range(10, 100), 100, 110, 120, 130}


@pytest.mark.django_db(transaction=True)
def test_a_long_queue_is_told_by_and_by(user, slots, monkeypatch):
    """Nobody waits for the rows of all, as they would if one statement held them."""
    monkeypatch.setattr(queue, "TOLD_AT_ONCE", 2)
    add(user, 4)
    (last,) = add(user)

    def rank():
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        try:
            queue.rank()
        finally:
            connection.close()

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        OutboxMessage.objects.select_for_update().get(pk=last)
        with pytest.raises(OperationalError):
            pool.submit(rank).result()
    told = OutboxMessage.objects.order_by("turn_at").values_list("position", flat=True)
    assert list(told) == [1, 2, 3, 4, None]
    assert queue.rank() == 1


def test_who_has_begun_to_pause_meanwhile_is_told_nothing(user, slots, monkeypatch):
    """It would stay on the row for as long as the pause lasts."""
    (task_id,) = add(user)
    tell = queue._tell

    def late(*args):
        OutboxMessage.objects.update(due_at=Now() + timedelta(hours=1))
        return tell(*args)

    monkeypatch.setattr(queue, "_tell", late)
    assert queue.rank(OutboxMessage.Problem.NO_WORKER) == 0
    assert shown(task_id)["error_message"] is None


def test_who_waits_is_told_that_nobody_works(user, slots):
    slots(1)
    (task_id, second) = add(user, 2)
    admitted()  # the first message lies in the queue, and nobody takes it
    assert queue.rank(OutboxMessage.Problem.NO_WORKER) == 2
    for each in (task_id, second):
        assert shown(each)["details"]["queue"]["problem"] == "no_worker"
        assert shown(each)["error_message"].startswith("No worker is running.")
    assert queue.rank() == 2
    assert shown(task_id)["error_message"] is None


def test_a_step_that_is_taken_up_waits_no_more(user, slots):
    (task_id,) = add(user)
    queue.rank()
    run(task_id)
    assert "queue" not in shown(task_id)["details"]


def test_without_workers_nobody_answers_and_old_ones_are_forgotten():
    Worker.objects.create(name="old", slots=9)
    Worker.objects.update(seen_at=F("seen_at") - timedelta(hours=2))
    assert workers.look() == 0
    assert not Worker.objects.exists()


def test_workers_that_answer_together_count_together(user, monkeypatch):
    monkeypatch.setattr(workers, "_asked", lambda: {"one@here": 1, "two@there": 39})
    assert workers.look() == workers.look() == 2
    add(user, 20)
    assert len(admitted()) == 1 + 40 // queue.SLOTS_PER_MESSAGE


def test_a_silent_worker_counts_no_more(user, slots):
    slots(40)
    add(user, 20)
    Worker.objects.update(seen_at=F("seen_at") - timedelta(minutes=1))
    assert len(admitted()) == 1
    slots(40)
    assert len(admitted()) == 10


def test_a_worker_that_did_not_answer_when_last_asked_counts_no_more(user, slots):
    """After a restart long work would have all slots: those of the old worker and of the new."""
    Worker.objects.create(name="before", slots=40)
    slots(2)
    add(user, 20, lane=Lane.BULK)
    assert len(admitted()) == 1


def test_before_a_worker_was_seen_long_work_goes_one_by_one(user):
    add(user, 3, lane=Lane.BULK)
    assert (len(admitted()), len(admitted())) == (1, 0)


def test_a_task_goes_on_at_once_while_nobody_waits(user, slots):
    (task_id,) = add(user)
    services.complete(run(*admitted()), StepResult())
    assert not queue.somebody_waits()
    assert OutboxMessage.objects.get(pk=task_id).sent_at
    assert (admitted(), OutboxMessage.objects.get(pk=task_id).step_type) == ([], "TWO")


def test_a_task_asks_for_a_turn_when_others_wait(user, other_user, slots):
    slots(1)
    (task_id,) = add(user)
    detail = run(*admitted())
    add(other_user)
    services.complete(detail, StepResult())
    assert OutboxMessage.objects.get(pk=task_id).sent_at is None
    (newcomer,) = admitted()  # of two that both have nothing running
    assert newcomer != task_id
    finish([newcomer])
    assert admitted() == [task_id]
