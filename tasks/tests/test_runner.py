"""Whatever a step does, the row tells the truth and the worker lives on."""

import time
from datetime import timedelta

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError
from django.db.models import F
from django.db.models.functions import Now

from tasks import outbox, runner, services, sweeper
from tasks.exceptions import StepError, StepPaused, TransientStepError
from tasks.models import OutboxMessage, TaskDetail
from tasks.pipelines import StepResult
from tasks.tests.factories import Script, make_task, register, run_all

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def script(monkeypatch, settings):
    settings.TASK_HEARTBEAT_SECONDS = 3600  # another connection sees nothing of this transaction
    monkeypatch.setattr(outbox, "_publish_soon", lambda *_: None)
    found = Script()
    register(found)
    return found


@pytest.fixture
def task(user):
    return make_task(user)


def raising(error):
    def step(_run):
        raise error

    return step


def test_the_steps_run_in_order_and_the_task_completes(task, script):
    run_all(task)
    assert script.runs == ["ONE", "TWO", "THREE"]
    assert (task.status, task.progress) == ("COMPLETED", 100)


def test_a_second_message_for_a_finished_step_does_nothing(task, script):
    run_all(task)
    runner.run_step(task.pk, "TWO", 1)
    assert script.runs == ["ONE", "TWO", "THREE"]


def test_a_permanent_error_fails_the_task_with_its_sentence(task, script):
    class Odd(StepError):
        """The file is odd."""

        code = "odd"

    script.steps["TWO"] = raising(Odd())
    run_all(task)
    assert (task.status, task.error_code, task.error_message) == (
        "FAILED",
        "odd",
        "The file is odd.",
    )


@pytest.mark.parametrize("error", [ZeroDivisionError("boom"), RecursionError(), AssertionError()])
def test_an_unknown_error_fails_the_task_and_tells_no_internals(task, script, error):
    script.steps["TWO"] = raising(error)
    run_all(task)
    assert (task.status, task.error_code) == ("FAILED", "internal_error")
    assert "boom" not in task.error_message


def test_a_memory_error_never_leaves_the_body(task, script):
    script.steps["TWO"] = raising(MemoryError())
    run_all(task)
    assert (task.status, task.error_code) == ("FAILED", "out_of_memory")


@pytest.mark.parametrize("error", [TransientStepError(), OperationalError("gone"), OSError("io")])
def test_a_transient_error_waits_and_tries_again(task, script, error):
    script.steps["TWO"] = raising(error)
    run_all(task)
    detail = task.task_details.get(step_type="TWO")
    assert (task.status, detail.status, detail.failures) == ("RUNNING", "PENDING", 1)
    script.steps.clear()
    OutboxMessage.objects.update(due_at=Now())
    run_all(task)
    assert task.status == "COMPLETED"


def test_transient_errors_end_after_the_configured_number(task, script, settings):
    settings.TASK_MAX_FAILURES = 3
    script.steps["ONE"] = raising(TransientStepError("Away."))
    for _ in range(3):
        OutboxMessage.objects.update(due_at=Now())
        run_all(task)
    assert script.runs == ["ONE"] * 3
    assert (task.status, task.error_message) == ("FAILED", "Away.")


def test_a_pause_costs_no_try_and_says_why(task, script):
    script.steps["TWO"] = raising(StepPaused(60, reason="Rate limit."))
    run_all(task)
    detail = task.task_details.get(step_type="TWO")
    assert (detail.status, detail.failures, detail.losses, detail.error_message) == (
        "PENDING",
        0,
        0,
        "Rate limit.",
    )


def test_the_soft_time_limit_counts_as_a_lost_worker(task, script):
    script.steps["ONE"] = raising(SoftTimeLimitExceeded())
    run_all(task)
    assert script.runs == ["ONE"] * 3
    assert (task.status, task.error_code) == ("FAILED", "step_timeout")


def test_a_worker_told_to_exit_gives_the_step_back(task, script):
    script.steps["ONE"] = raising(SystemExit(0))
    with pytest.raises(SystemExit):
        run_all(task)
    script.steps.clear()
    run_all(task)
    assert task.status == "COMPLETED"


@pytest.mark.django_db(transaction=True)
def test_progress_reaches_the_row_and_a_cancel_reaches_the_step(task, script, settings):
    settings.TASK_HEARTBEAT_SECONDS = 0.05
    seen = {}

    def step(run):
        run.report(30, 60, pages=30)
        seen["progress"] = TaskDetail.objects.get(task=task, step_type="ONE").progress
        services.cancel(task.pk)
        deadline = time.monotonic() + 30
        while not run.stopped() and time.monotonic() < deadline:
            time.sleep(0.01)
        seen["stopped"] = run.stopped()
        return StepResult()

    script.steps["ONE"] = step
    run_all(task)
    assert seen == {"progress": 50, "stopped": True}
    assert task.status == "CANCELLED"


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_renews_the_lease_while_a_step_is_silent(task, script, settings):
    settings.TASK_HEARTBEAT_SECONDS = 0.05
    leases = set()

    def silent(run):
        deadline = time.monotonic() + 30
        while len(leases) < 4 and time.monotonic() < deadline:
            leases.add(TaskDetail.objects.get(task=task, step_type="ONE").lease_expires_at)
        return StepResult()

    script.steps["ONE"] = silent
    run_all(task)
    assert len(leases) == 4


def test_a_step_whose_lease_ran_out_is_taken_over_and_the_zombie_writes_nothing(task, script):
    services.dispatch(task.pk, 1)
    zombie = services.claim(task.pk, "ONE", 1, worker="dead")
    assert sweeper.take_over_lost_steps() == 0
    TaskDetail.objects.filter(pk=zombie.pk).update(
        lease_expires_at=F("lease_expires_at") - timedelta(seconds=120)
    )
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
