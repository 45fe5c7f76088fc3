"""What happens at the same moment: real threads, real connections, one winner, one truth."""

import random
import threading
import time
import uuid
from functools import partial

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from tasks import services, sweeper
from tasks.exceptions import Fenced, StepError, WrongState
from tasks.models import OutboxMessage, Task, TaskDetail
from tasks.pipelines import StepResult
from tasks.tests.factories import (
    Script,
    at_once,
    let_leases_run_out,
    make_document,
    make_task,
    register,
    send_nothing,
)

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 6  # of a race of two, so that each side gets to win


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    send_nothing(monkeypatch)
    register(Script())


@pytest.fixture
def document(user):
    return make_document(user)


@pytest.fixture
def task(user, document):
    return make_task(user, document)


def dispatch(task):
    return services.dispatch(task.pk, task.attempt, worker="w", message_id=uuid.uuid4())


def claim(task, step_type="TWO", attempt=1):
    return services.claim(task.pk, step_type, attempt, worker="w", message_id=uuid.uuid4())


def kinds(answers):
    """How many of each kind of answer there were."""
    found = [type(each).__name__ if isinstance(each, Exception) else "won" for each in answers]
    return {name: found.count(name) for name in sorted(set(found))}


def signed_in(user):
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def status_of(client, method, path):
    return getattr(client, method)(path).status_code


def ends_whole(task):
    """Task, steps, message and document tell the same story; the task's status."""
    task.refresh_from_db()
    steps = set(task.task_details.values_list("status", flat=True))
    owned = task.task_details.filter(owner__isnull=False).count()
    assert owned == task.task_details.filter(status="RUNNING").count()
    assert OutboxMessage.objects.filter(task=task).count() + owned == task.is_live
    assert task.is_live or not steps & {"PENDING", "RUNNING"}
    if task == Task.objects.filter(document=task.document).latest("created_at"):
        assert task.document.status == task.status
    return task.status


def test_of_fifty_retries_at_once_one_wins(user, task):
    """Row F52: through the API and the service alike."""
    services.cancel(task.pk)
    path = f"/api/tasks/{task.pk}/retry/"
    clicks = [partial(status_of, signed_in(user), "post", path) for _ in range(10)]
    answers = at_once(*clicks, *[partial(services.retry, task.pk)] * 40)
    codes, others = answers[:10], answers[10:]
    assert set(codes) <= {202, 409}
    won = codes.count(202) + kinds(others).get("won", 0)
    assert (won, codes.count(409) + kinds(others)["WrongState"]) == (1, 49)
    assert ends_whole(task) == "PENDING"
    assert task.attempt == 2


def test_of_twenty_claims_at_once_one_wins(task):
    services.complete(dispatch(task), StepResult())
    assert kinds(at_once(*[partial(claim, task)] * 20)) == {"Fenced": 19, "won": 1}
    assert ends_whole(task) == "RUNNING"


def test_of_twenty_dispatches_at_once_one_wins(task):
    answers = at_once(*[partial(dispatch, task)] * 20)
    assert kinds(answers) == {"Fenced": 19, "won": 1}
    assert ends_whole(task) == "RUNNING"


def test_of_twenty_starts_for_one_document_one_wins(user, document):
    answers = at_once(*[partial(make_task, user, document)] * 20)
    assert kinds(answers) == {"IntegrityError": 19, "won": 1}
    assert OutboxMessage.objects.count() == Task.objects.count() == 1
    assert TaskDetail.objects.count() == 3


def test_a_retry_and_a_new_start_at_once_never_both_live(user, document, task):
    for _ in range(ROUNDS):
        latest = Task.objects.order_by("-created_at").first()
        services.cancel(latest.pk)
        retried, started = at_once(
            partial(services.retry, latest.pk), partial(make_task, user, document)
        )
        if isinstance(started, Task):
            assert isinstance(retried, WrongState)
        else:
            assert isinstance(started, IntegrityError)
            assert isinstance(retried, Task)
        assert Task.objects.filter(status="PENDING").count() == 1


def test_a_retry_that_a_new_start_overtakes_is_refused(user, document, task):
    """The new task is there, but not committed, when the retry looks for one."""
    services.cancel(task.pk)
    started, going = threading.Event(), threading.Event()

    def start():
        with transaction.atomic():
            make_task(user, document)
            started.set()
            assert going.wait(30)
            wait_until_somebody_waits_for_a_lock()

    def retry():
        assert started.wait(30)
        going.set()
        return services.retry(task.pk)

    _, refused = at_once(start, retry)
    assert isinstance(refused, WrongState)
    assert list(Task.objects.values_list("status", "attempt")) == [("PENDING", 1), ("CANCELLED", 1)]


def wait_until_somebody_waits_for_a_lock():
    deadline = time.monotonic() + 30
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT FROM pg_locks WHERE NOT granted")
            if cursor.rowcount:
                return
    raise AssertionError("nobody waits")


def test_a_worker_given_up_on_while_its_step_is_given_back_keeps_no_lease(task):
    """Celery's word of the dead worker waits for the transaction that gives the step back."""
    detail = dispatch(task)
    locked = threading.Event()

    def give_back():
        with transaction.atomic():
            services.postpone(detail, seconds=0)
            locked.set()
            wait_until_somebody_waits_for_a_lock()

    def give_up():
        assert locked.wait(30)
        services.give_up_on_worker(detail.message_id)

    assert kinds(at_once(give_back, give_up)) == {"won": 2}
    assert ends_whole(task) == "RUNNING"
    assert set(task.task_details.values_list("lease_expires_at", flat=True)) == {None}


def finish(detail):
    saved = []
    services.complete(detail, StepResult(save=lambda: saved.append(1)))
    return saved


def races(user, last_step):
    """Tasks whose step ONE (or last step) runs, with the claim of its worker."""
    for _ in range(ROUNDS):
        task = make_task(user, make_document(user))
        detail = dispatch(task)
        for _step in ("TWO", "THREE") if last_step else ():
            detail = services.complete(detail, StepResult(), go_on=True)
        yield task, detail


def test_of_completing_and_cancelling_one_wins_and_all_agree(user):
    for task, detail in races(user, last_step=True):
        completed, cancelled = at_once(partial(finish, detail), partial(services.cancel, task.pk))
        if ends_whole(task) == "COMPLETED":
            assert completed == [1]
            assert isinstance(cancelled, WrongState)
        else:
            assert task.status == "CANCELLED"
            assert isinstance(completed, Fenced)


def test_of_completing_and_taking_over_one_wins_and_all_agree(user):
    for task, detail in races(user, last_step=False):
        let_leases_run_out(pk=detail.pk)
        completed, taken = at_once(partial(finish, detail), sweeper.take_over_lost_steps)
        assert ends_whole(task) == "RUNNING"
        step = task.task_details.get(step_type="ONE")
        assert taken == step.losses
        if taken:
            assert isinstance(completed, Fenced)
            assert (step.status, task.outbox.step_type) == ("PENDING", "ONE")
        else:
            assert (completed, step.status, task.outbox.step_type) == ([1], "COMPLETED", "TWO")


def test_a_task_that_somebody_holds_does_not_hold_up_those_behind_it(user):
    """Nor for the ten seconds that others wait for a lock."""
    held, free = (make_task(user) for _ in range(2))
    for task in (held, free):
        dispatch(task)
    let_leases_run_out()
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": None}) as other:
        other.execute(f"SELECT 1 FROM {Task._meta.db_table} WHERE id = %s FOR UPDATE", [held.pk])
        began = time.monotonic()
        assert sweeper.take_over_lost_steps() == 1
        assert time.monotonic() - began < 5
    assert free.task_details.get(step_type="ONE").losses == 1
    assert sweeper.take_over_lost_steps() == 1


def test_of_two_sweepers_one_takes_over(user):
    for task, _ in races(user, last_step=False):
        let_leases_run_out(task=task)
        assert sorted(at_once(*[sweeper.take_over_lost_steps] * 2)) == [0, 1]
        assert task.task_details.get(step_type="ONE").losses == 1


def test_of_completing_and_deleting_nothing_is_left_over(user):
    client = signed_in(user)
    for task, detail in races(user, last_step=True):
        delete = partial(status_of, client, "delete", f"/api/documents/{task.document_id}/")
        completed, deleted = at_once(partial(finish, detail), delete)
        assert deleted == 204
        assert completed == [1] or isinstance(completed, Fenced)
        assert not Task.objects.filter(pk=task.pk).exists()
        assert not TaskDetail.objects.filter(task=task.pk).exists()
        assert not OutboxMessage.objects.filter(task=task.pk).exists()


def test_starting_and_deleting_at_once_neither_waits_for_the_other_for_ever(user):
    """The new task's worker is the third: it locks the task first and the document after."""
    client = signed_in(user)
    for task, detail in races(user, last_step=False):
        services.fail(detail, StepError("no"))
        document_id = task.document_id

        def start_and_work(document=task.document):
            new = make_task(user, document)
            dispatch(new)
            return services.cancel(new.pk)

        started, deleted = at_once(
            start_and_work, partial(status_of, client, "delete", f"/api/documents/{document_id}/")
        )
        assert deleted == 204
        assert isinstance(started, Task | Fenced | Task.DoesNotExist | IntegrityError), started
        assert not Task.objects.filter(document=document_id).exists()


def test_hundreds_of_moves_at_once_meet_no_deadlock(user):
    """Eight hands, three documents, every move in random order: refusals, but never a lock that
    is not got, and all whole at the end."""
    documents = [make_document(user) for _ in range(3)]
    for document in documents:
        make_task(user, document)
    hands = [partial(play, random.Random(seed), user, documents) for seed in range(8)]
    assert kinds(at_once(*hands)) == {"won": 8}
    for task in Task.objects.all():
        ends_whole(task)
    for document in documents:
        assert Task.objects.filter(document=document, status__in=("PENDING", "RUNNING")).count() < 2


def play(chance, user, documents):
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'")
    claims = []
    for _ in range(60):
        try:
            move(chance, user, chance.choice(documents), claims)
        except (Fenced, WrongState, IntegrityError):
            continue


def move(chance, user, document, claims):
    task = Task.objects.filter(document=document).latest("created_at")
    current = task.task_details.exclude(status="COMPLETED").values_list("step_type", flat=True)
    step = current.first() or "ONE"
    moves = [
        lambda: claims.append(dispatch(task)),
        lambda: claims.append(claim(task, step, task.attempt)),
        lambda: claims.append(claim(task, step, task.attempt)),
        lambda: services.cancel(task.pk),
        lambda: services.retry(task.pk),
        lambda: make_task(user, document),
        lambda: let_leases_run_out(task=task),
        lambda: services.wake(task.pk),
        sweeper.sweep,
    ]
    if claims:
        mine = chance.choice(claims[-3:])
        moves += [
            lambda: services.complete(mine, StepResult()),
            lambda: claims.append(services.complete(mine, StepResult(), go_on=True) or mine),
            lambda: services.report(mine, chance.randrange(100), {}),
            lambda: services.heartbeat(mine),
            lambda: services.give_up_on_worker(mine.message_id),
            lambda: services.postpone(mine, seconds=0),
            lambda: services.fail(mine, StepError("no")),
        ]
    chance.choice(moves)()
