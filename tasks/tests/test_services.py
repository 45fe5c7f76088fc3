"""Every allowed move of a task, and every refused one."""

from dataclasses import replace

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from tasks import moves, outbox, pipelines, services
from tasks.exceptions import Fenced, StepError, WrongState
from tasks.models import TRANSITIONS, OutboxMessage, Status, Task, TaskDetail, Worker, sources
from tasks.pipelines import StepResult
from tasks.tests.factories import (
    make_document,
    make_task,
    run_all,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("script")]


@pytest.fixture
def task(user):
    return make_task(user)


def steps_of(task):
    return dict(task.task_details.values_list("step_type", "status"))


def dispatch(task):
    return services.dispatch(task.pk, task.attempt, worker="w1")


def claim(task, step_type="ONE"):
    task.refresh_from_db()
    return services.claim(task.pk, step_type, task.attempt, worker="w1")


@pytest.fixture
def running(task):
    return dispatch(task)


def test_a_task_needs_no_document(user):
    """And several such may live at once."""
    for _ in range(2):
        task = services.start(pipeline="test", owner_id=user.pk, document_id=None, options={})
        run_all(task)
        assert task.status == "COMPLETED"


def test_a_new_task_waits_with_all_its_steps_and_one_message(task):
    assert task.status == Status.PENDING
    assert steps_of(task) == {"ONE": "PENDING", "TWO": "PENDING", "THREE": "PENDING"}
    message = OutboxMessage.objects.get()
    assert (message.task_id, message.step_type, message.attempt) == (task.pk, "", 1)
    assert str(message) == f"dispatch of {task.pk}"
    assert str(Worker(name="w@here")) == "w@here"


def test_dispatch_takes_the_message_and_the_first_step_and_a_second_one_is_fenced(task):
    detail = dispatch(task)
    task.refresh_from_db()
    assert task.status == Status.RUNNING
    assert task.started_at is not None
    assert (detail.step_type, detail.status) == ("ONE", Status.RUNNING)
    assert services.heartbeat(detail)
    assert not OutboxMessage.objects.exists()
    with pytest.raises(Fenced):
        dispatch(task)


def test_a_claim_takes_the_message_and_only_one_of_two_succeeds(task, running):
    services.complete(running, StepResult())
    detail = claim(task, "TWO")
    assert not OutboxMessage.objects.exists()
    assert detail.status == Status.RUNNING
    assert detail.owner != running.owner
    with pytest.raises(Fenced):
        claim(task, "TWO")


def test_a_claim_with_an_older_attempt_is_fenced(task):
    dispatch(task)
    services.cancel(task.pk)
    services.retry(task.pk)
    services.postpone(services.dispatch(task.pk, 2, worker="w1"), seconds=0)
    with pytest.raises(Fenced):
        services.claim(task.pk, "ONE", 1, worker="w1")


def test_completing_commits_the_output_the_step_and_the_next_message_together(task, running):
    saved = []
    services.complete(running, StepResult(details={"found": 3}, save=lambda: saved.append(1)))
    task.refresh_from_db()
    detail = task.task_details.get(step_type="ONE")
    assert saved == [1]
    assert (detail.status, detail.progress, detail.details) == ("COMPLETED", 100, {"found": 3})
    assert (task.status, task.progress) == ("RUNNING", 20)
    assert OutboxMessage.objects.get().step_type == "TWO"


def test_who_may_go_on_owns_the_next_step_with_the_end_of_this_one(task, running):
    following = services.complete(running, StepResult(), go_on=True)
    assert (following.step_type, following.owner) == ("TWO", running.owner)
    assert steps_of(task) == {"ONE": "COMPLETED", "TWO": "RUNNING", "THREE": "PENDING"}
    assert not OutboxMessage.objects.exists()
    assert services.heartbeat(following) is True
    assert services.heartbeat(running) is False


def test_who_goes_on_where_no_step_is_left_ends_the_task(task, running):
    task.task_details.exclude(pk=running.pk).update(status="CANCELLED", completed_at=Now())
    assert services.complete(running, StepResult(), go_on=True) is None
    task.refresh_from_db()
    assert (task.status, task.error_code) == ("FAILED", "internal_error")
    assert steps_of(task)["ONE"] == "COMPLETED"


def test_writing_what_a_step_made_is_of_its_time(task, running):
    written = []

    def write():
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            written.append(cursor.fetchone()[0])

    services.complete(running, StepResult(save=write))
    assert task.task_details.get(step_type="ONE").completed_at > written[0]


def test_when_saving_the_output_fails_nothing_moves(task, running):
    def refuse():
        raise StepError("no")

    with pytest.raises(StepError):
        services.complete(running, StepResult(save=refuse))
    assert steps_of(task)["ONE"] == "RUNNING"
    assert not OutboxMessage.objects.exists()


def test_the_last_step_completes_the_task(task):
    detail = dispatch(task)
    for _ in range(3):
        detail = services.complete(detail, StepResult(), go_on=True)
    assert detail is None
    task.refresh_from_db()
    assert (task.status, task.progress) == ("COMPLETED", 100)
    assert task.completed_at is not None
    assert not OutboxMessage.objects.exists()


def test_failing_closes_the_steps_that_will_not_run(task, running):
    services.fail(running, StepError("The file is odd."))
    task.refresh_from_db()
    assert (task.status, task.error_code, task.error_message) == (
        "FAILED",
        "internal_error",
        "The file is odd.",
    )
    assert steps_of(task) == {"ONE": "FAILED", "TWO": "CANCELLED", "THREE": "CANCELLED"}


def test_a_retry_goes_on_from_the_failed_step_with_a_new_attempt(task, running):
    services.complete(running, StepResult())
    services.fail(claim(task, "TWO"), StepError("no"))
    services.retry(task.pk)
    task.refresh_from_db()
    assert (task.status, task.attempt, task.error_code, task.completed_at) == (
        "PENDING",
        2,
        None,
        None,
    )
    assert steps_of(task) == {"ONE": "COMPLETED", "TWO": "PENDING", "THREE": "PENDING"}
    assert dispatch(task).step_type == "TWO"


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "COMPLETED"])
def test_only_a_failed_or_cancelled_task_is_retried(task, status):
    detail = dispatch(task) if status != "PENDING" else None
    while detail and status == "COMPLETED":
        detail = services.complete(detail, StepResult(), go_on=True)
    with pytest.raises(WrongState):
        services.retry(task.pk)


def test_a_cancel_ends_everything_at_once_and_fences_the_worker(task, running):
    services.cancel(task.pk)
    task.refresh_from_db()
    assert task.status == Status.CANCELLED
    assert set(steps_of(task).values()) == {"CANCELLED"}
    assert services.heartbeat(running) is False
    for write in (
        lambda: services.report(running, 50, {}),
        lambda: services.complete(running, StepResult()),
        lambda: services.fail(running, StepError()),
        lambda: services.postpone(running, seconds=1),
    ):
        with pytest.raises(Fenced):
            write()
    with pytest.raises(WrongState):
        services.cancel(task.pk)


def test_progress_never_goes_back_within_an_attempt(task, running):
    services.report(running, 80, {})
    services.lost(running, StepError("lost"))
    again = claim(task)
    services.report(again, 10, {})
    task.refresh_from_db()
    assert (again.progress, task.progress) == (80, 16)
    services.fail(again, StepError("no"))
    services.retry(task.pk)
    task.refresh_from_db()
    assert task.progress == 0


def test_a_message_of_a_step_that_runs_gives_it_to_nobody_else(task, running):
    outbox.put(task, "ONE")  # a hand in the database
    with pytest.raises(Fenced):
        claim(task)
    assert services.heartbeat(running) is True


def test_a_task_that_has_no_step_left_to_begin_with_ends(task):
    TaskDetail.objects.all().delete()  # a hand in the database
    assert dispatch(task) is None
    task.refresh_from_db()
    assert (task.status, task.error_code) == ("FAILED", "internal_error")


def test_the_latest_task_of_each_document(user):
    one, other = make_document(user), make_document(user)
    services.cancel(make_task(user, one).pk)
    expected = {make_task(user, one), make_task(user, other)}
    assert set(Task.objects.latest_of_each_document()) == expected


@pytest.mark.parametrize("step_type", ["TWO", "THREE"])
def test_a_step_out_of_turn_is_not_to_be_had(task, running, step_type):
    services.postpone(running, seconds=0)
    with pytest.raises(Fenced):
        claim(task, step_type)


def test_a_zombie_writes_nothing_while_its_successor_runs(task, running):
    services.lost(running, StepError("lost"))
    successor = claim(task)
    assert services.heartbeat(running) is False
    for write in (
        lambda: services.report(running, 50, {}),
        lambda: services.complete(running, StepResult()),
        lambda: services.fail(running, StepError()),
        lambda: services.postpone(running, seconds=1),
        lambda: services.take_over(running, StepError()),
    ):
        with pytest.raises(Fenced):
            write()
    assert services.heartbeat(successor) is True
    assert steps_of(task)["ONE"] == "RUNNING"


def test_progress_is_the_weighted_mean_of_the_steps(task, running):
    services.complete(running, StepResult())
    services.report(claim(task, "TWO"), 50, {"pages": 7})
    task.refresh_from_db()
    assert task.progress == 50
    assert task.task_details.get(step_type="TWO").details == {"pages": 7}


def test_seq_grows_with_every_change(task):
    seen = [task.seq]

    def note():
        task.refresh_from_db()
        seen.append(task.seq)

    detail = dispatch(task)
    note()
    services.postpone(detail, seconds=0)
    note()
    detail = claim(task)
    note()
    services.report(detail, 10, {})
    note()
    services.complete(detail, StepResult())
    note()
    services.cancel(task.pk)
    note()
    services.retry(task.pk)
    note()
    assert seen == sorted(set(seen))


def test_a_postponed_step_is_not_to_be_had_before_its_time(task, running):
    services.postpone(running, seconds=60, reason="The service asks us to wait.")
    with pytest.raises(Fenced):
        claim(task)
    OutboxMessage.objects.update(due_at=Now())
    assert claim(task).status == Status.RUNNING


def test_the_third_lost_worker_fails_the_task(task, running):
    detail = running
    for _ in range(2):
        services.lost(detail, StepError("lost"))
        detail = claim(task)
    services.lost(detail, StepError("lost"))
    task.refresh_from_db()
    assert (task.status, task.error_message) == ("FAILED", "lost")


def test_a_task_without_a_message_is_woken_once(task):
    OutboxMessage.objects.all().delete()
    assert services.wake(task.pk) is True
    assert services.wake(task.pk) is False


def test_a_move_that_the_table_forbids_is_refused_whoever_asks(task):
    with pytest.raises(WrongState):
        moves.move(task, Status.COMPLETED)
    task.refresh_from_db()
    assert (task.status, task.seq) == ("PENDING", 1)


@pytest.mark.parametrize("to", list(Status))
def test_a_swap_moves_exactly_from_the_sources_of_the_table(user, to):
    moved = {}
    for state in Status:
        task = make_task(user)
        terminal = {"completed_at": Now()} if state in ("COMPLETED", "FAILED", "CANCELLED") else {}
        Task.objects.filter(pk=task.pk).update(status=state, **terminal)
        moved[state] = bool(Task.objects.filter(pk=task.pk).swap(to))
    assert moved == {state: to in TRANSITIONS[state] for state in Status}
    assert sorted(sources(to)) == sorted(state for state in Status if moved[state])


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Task, {"status": "COMPLETED"}),
        (Task, {"progress": 101}),
        (TaskDetail, {"status": "RUNNING"}),
        (TaskDetail, {"status": "FAILED"}),
        (TaskDetail, {"step_order": 9, "step_type": "TWO"}),
    ],
)
def test_the_database_itself_refuses_a_broken_row(task, model, values):
    rows = (
        Task.objects.filter(pk=task.pk) if model is Task else task.task_details.filter(step_order=1)
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(**values)


@pytest.mark.parametrize("lacking", ["ONE", "TWO"])
def test_a_step_that_only_newer_workers_know_waits_for_them(task, lacking):
    """Others of its turn are done; it is neither lost nor run by who does not know it."""
    newer = pipelines.get("test")
    known = tuple(step for step in newer.steps if step.type != lacking)
    pipelines.register(replace(newer, steps=known))
    detail = services.dispatch(task.pk, 1, worker="old")
    if lacking == "TWO":
        assert services.complete(detail, StepResult(), go_on=True) is None
    else:
        assert detail is None
    assert Task.objects.get(pk=task.pk).status == "RUNNING"
    assert OutboxMessage.objects.get(task=task).step_type == lacking
    with pytest.raises(Fenced):
        services.claim(task.pk, lacking, 1, worker="old")
    pipelines.register(newer)
    assert services.claim(task.pk, lacking, 1, worker="new").step_type == lacking


def test_a_task_that_a_newer_one_has_replaced_is_not_retried(user):
    document = make_document(user)
    task = make_task(user, document)
    services.cancel(task.pk)
    newer = make_task(user, document)
    services.cancel(newer.pk)
    with pytest.raises(WrongState, match="newer task has replaced"):
        services.retry(task.pk)
    assert services.retry(newer.pk).status == "PENDING"
