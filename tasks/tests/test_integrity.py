"""Every way in which tasks can be broken by hand is told, and mended where that is safe."""

import pytest
from django.db import IntegrityError, connection, transaction

from tasks import integrity, invariants, outbox, services
from tasks.exceptions import StepError
from tasks.models import OutboxMessage, Status, Task, TaskDetail
from tasks.pipelines import StepResult
from tasks.tests.factories import Script, make_task, register, run_all

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def script(monkeypatch, settings):
    monkeypatch.setattr(outbox, "_publish_soon", lambda *_: None)
    settings.TASK_HEARTBEAT_SECONDS = 3600  # another connection sees nothing of this transaction
    found = Script()
    register(found)
    return found


@pytest.fixture
def task(user):
    return make_task(user)


@pytest.fixture
def running(task):
    """The task with its first step at work."""
    services.dispatch(task.pk, 1, worker="w")
    return task


@pytest.fixture
def completed(task):
    run_all(task)
    assert task.status == Status.COMPLETED
    return task


@pytest.fixture
def failed(task, script):
    def fail(_run):
        raise StepError("It did not work.")

    script.steps["TWO"] = fail
    run_all(task)
    assert task.status == Status.FAILED
    return task


def sql(query, *params):
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        assert cursor.rowcount, query


def broken():
    return {each.name: each for each in invariants.violations(integrity.INVARIANTS)}


def mend():
    for each in integrity.INVARIANTS:
        each.mend()
    return broken()


def set_step(task, step_type, status):
    ended = "now()" if status in ("COMPLETED", "FAILED", "CANCELLED") else "NULL"
    owner, lease = ("gen_random_uuid()", "now() + interval '1 hour'")
    if status != "RUNNING":
        owner = lease = "NULL"
    sql(
        f"UPDATE tasks_taskdetail SET status = %s, completed_at = {ended}, owner = {owner},"
        f" lease_expires_at = {lease}, progress = CASE WHEN %s = 'COMPLETED' THEN 100 ELSE 0 END"
        " WHERE task_id = %s AND step_type = %s",
        status, status, task.pk, step_type,
    )  # fmt: skip


def steps_of(task):
    return list(task.task_details.values_list("status", flat=True))


def message_of(task):
    return OutboxMessage.objects.filter(task=task).values_list("step_type", "attempt").first()


def test_tasks_that_wait_run_paused_or_ended_break_nothing(user, task, script):
    assert broken() == {}
    detail = services.dispatch(task.pk, 1, worker="w")
    assert broken() == {}
    services.postpone(detail, seconds=300, reason="The service asks us to wait.")
    assert broken() == {}
    services.cancel(task.pk)
    assert broken() == {}
    services.retry(task.pk)
    assert broken() == {}
    run_all(task)
    assert task.status == Status.COMPLETED
    assert broken() == {}
    other = make_task(user)
    script.steps["TWO"] = lambda _run: StepResult(save=lambda: 1 / 0)
    run_all(other)
    assert other.status == Status.FAILED
    assert broken() == {}
    services.retry(other.pk)
    assert broken() == {}


def test_a_task_without_a_message_is_woken(task):
    sql("DELETE FROM tasks_outboxmessage")
    found = broken()["I1 stranded"]
    assert (found.count, found.ids, found.fixable) == (1, [str(task.pk)], True)
    assert mend() == {}
    assert message_of(task) == ("", 1)


def test_a_running_task_without_a_message_goes_on_with_its_first_open_step(task):
    services.complete(services.dispatch(task.pk, 1, worker="w"), StepResult())
    sql("DELETE FROM tasks_outboxmessage")
    assert list(broken()) == ["I1 stranded"]
    assert mend() == {}
    assert message_of(task) == ("TWO", 1)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE tasks_outboxmessage SET attempt = 7",
        "UPDATE tasks_outboxmessage SET step_type = 'THREE'",
        "UPDATE tasks_outboxmessage SET step_type = 'NONSENSE'",
    ],
)
def test_a_message_that_its_task_would_refuse_is_replaced(task, harm):
    sql(harm)
    assert broken()["I1 message"].ids == [str(task.pk)]
    assert mend() == {}
    assert message_of(task) == ("", 1)


def test_a_message_of_an_ended_task_is_removed(task, user):
    message = OutboxMessage.objects.get()
    services.cancel(task.pk)
    message.save(force_insert=True)
    assert list(broken()) == ["I1 message"]
    assert mend() == {}
    assert message_of(task) is None


def test_a_lease_is_only_late_when_the_sweeper_had_its_time(running):
    sql("UPDATE tasks_taskdetail SET lease_expires_at = now() WHERE status = 'RUNNING'")
    assert broken() == {}


def test_a_step_whose_lease_ran_out_is_given_to_another_worker(running):
    sql("UPDATE tasks_taskdetail SET lease_expires_at = now() - interval '1 minute'"
        " WHERE status = 'RUNNING'")  # fmt: skip
    assert broken()["I1 lease"].ids == [str(running.pk)]
    assert mend() == {}
    assert message_of(running) == ("ONE", 1)
    assert TaskDetail.objects.get(step_type="ONE").losses == 1


def test_of_two_running_steps_the_first_stays(running):
    set_step(running, "THREE", "RUNNING")
    assert broken()["I3 running steps"].ids == [str(running.pk)]
    assert mend() == {}
    assert steps_of(running) == ["RUNNING", "PENDING", "PENDING"]


def test_a_step_that_runs_before_its_task_has_begun_is_taken_back(task):
    set_step(task, "ONE", "RUNNING")
    assert {"I3 running steps", "I1 message"} == set(broken())
    assert mend() == {}
    assert steps_of(task) == ["PENDING"] * 3
    assert message_of(task) == ("", 1)


@pytest.mark.parametrize("status", ["PENDING", "RUNNING"])
def test_an_open_step_of_a_failed_task_is_closed(failed, status):
    set_step(failed, "THREE", status)
    assert broken()["I3 open steps"].ids == [str(failed.pk)]
    assert mend() == {}
    assert steps_of(failed) == ["COMPLETED", "FAILED", "CANCELLED"]


def test_a_completed_task_with_an_incomplete_step_is_told_and_let_alone(completed):
    set_step(completed, "THREE", "PENDING")
    assert not broken()["I3 completed"].fixable
    assert list(mend()) == ["I3 completed"]
    assert steps_of(completed) == ["COMPLETED", "COMPLETED", "PENDING"]


@pytest.mark.parametrize("statuses", [("COMPLETED",) * 3, ("FAILED", "PENDING", "PENDING")])
def test_a_live_task_that_can_never_end_is_told(running, statuses):
    for step_type, status in zip(("ONE", "TWO", "THREE"), statuses, strict=True):
        set_step(running, step_type, status)
    assert broken()["I3 stuck"].ids == [str(running.pk)]


def test_a_failed_task_without_a_failed_step_is_told(failed):
    set_step(failed, "TWO", "CANCELLED")
    assert list(broken()) == ["I3 failed"]


def test_steps_done_in_the_wrong_order_are_told(running):
    set_step(running, "TWO", "COMPLETED")
    assert list(broken()) == ["I3 order"]


def test_a_task_that_lacks_a_step_is_told(task):
    sql("DELETE FROM tasks_taskdetail WHERE step_type = 'TWO'")
    assert broken()["I3 steps"].ids == [str(task.pk)]


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE tasks_task SET seq = 0",
        "UPDATE tasks_task SET progress = 99",
        "UPDATE tasks_taskdetail SET progress = 0 WHERE step_type = 'TWO'",
    ],
)
def test_the_numbers_of_a_completed_task_are_mended(completed, harm):
    sql(harm)
    assert list(broken()) == ["I4 numbers"]
    assert mend() == {}
    completed.refresh_from_db()
    assert completed.progress == 100
    assert completed.seq >= 1


def test_a_failure_without_a_reason_gets_that_of_its_step(failed):
    sql("UPDATE tasks_task SET error_code = NULL, error_message = ''")
    assert broken()["I8 reason"].ids == [str(failed.pk)]
    assert mend() == {}
    failed.refresh_from_db()
    assert (failed.error_code, failed.error_message) == ("internal_error", "It did not work.")


def test_a_failure_that_nobody_knows_the_reason_of_gets_one_that_says_so(failed):
    sql("UPDATE tasks_task SET error_code = NULL, error_message = NULL")
    sql("UPDATE tasks_taskdetail SET error_code = NULL, error_message = NULL")
    assert mend() == {}
    failed.refresh_from_db()
    assert (failed.error_code, failed.error_message) == (StepError.code, StepError().message)


@pytest.mark.parametrize(
    ("forbidden", "by"),
    [
        ("UPDATE tasks_task SET progress = 101", "task_progress_percent"),
        ("UPDATE tasks_task SET status = 'COMPLETED'", "task_completed_at_iff_terminal"),
        ("UPDATE tasks_taskdetail SET progress = 101", "detail_progress_percent"),
        ("UPDATE tasks_taskdetail SET status = 'RUNNING'", "detail_owned_iff_running"),
        ("UPDATE tasks_task SET seq = -1", "tasks_task_seq_check"),
    ],
)
def test_what_a_constraint_forbids_needs_no_doctor(task, forbidden, by):
    with pytest.raises(IntegrityError, match=by), transaction.atomic():
        sql(forbidden)


def test_ten_ids_are_shown_and_all_are_counted(user):
    for _ in range(12):
        make_task(user)
    sql("DELETE FROM tasks_outboxmessage")
    found = broken()["I1 stranded"]
    assert (found.count, len(found.ids)) == (12, 10)
    assert set(found.ids) < {str(pk) for pk in Task.objects.values_list("pk", flat=True)}
    assert mend() == {}
