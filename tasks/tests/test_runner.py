"""Whatever a step does, the row tells the truth and the worker lives on."""

import errno
import time
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError
from django.db.models import F
from django.db.models.functions import Now

from tasks import runner, services
from tasks.exceptions import Fenced, StepError, StepPaused, TransientStepError
from tasks.models import OutboxMessage, Task, TaskDetail
from tasks.pipelines import StepResult
from tasks.tests.factories import make_task, raising, run_all

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def script(script, settings):
    settings.TASK_HEARTBEAT_SECONDS = 3600  # another connection sees nothing of this transaction
    return script


@pytest.fixture
def task(user):
    return make_task(user)


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
    assert detail.error_code == "temporarily_unavailable"
    script.steps.clear()
    OutboxMessage.objects.update(due_at=Now())
    run_all(task)
    assert task.status == "COMPLETED"
    assert task.task_details.get(step_type="TWO").error_code is None


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


def test_a_step_knows_what_it_told_before_a_pause(task, script):
    """Also what came too soon after the last report to be told then."""
    seen = []

    def two_at_a_time(run):
        done = run.details.get("made", 0)
        seen.append(done)
        for each in (done + 1, done + 2):
            run.report(each, 6, made=each)
        if done < 4:
            raise StepPaused(progressed=True)
        return StepResult()

    script.steps["TWO"] = two_at_a_time
    run_all(task)
    assert (task.status, seen) == ("COMPLETED", [0, 2, 4])


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


def test_a_worker_that_is_stopped_hands_its_step_over_at_no_cost(task, script, monkeypatch):
    monkeypatch.setattr("tasks.runner.terminate_handler_fired", lambda: True)
    script.steps["ONE"] = raising(SystemExit(0))
    with pytest.raises(SystemExit):
        run_all(task)
    row = task.task_details.get(step_type="ONE")
    assert (row.status, row.losses, row.error_message) == ("PENDING", 0, None)
    script.steps.clear()
    run_all(task)
    assert task.status == "COMPLETED"


@pytest.mark.parametrize("error", [SystemExit(0), Fenced(), OperationalError("cut")])
def test_a_turn_that_breaks_right_after_a_commit_gives_the_next_step_back(
    task, script, monkeypatch, settings, error
):
    settings.TASK_SLICE_SECONDS = 600
    monkeypatch.setattr("tasks.runner.terminate_handler_fired", lambda: True)
    monkeypatch.setattr(runner.connection, "close", lambda: None)  # the test's transaction
    complete, errors = services.complete, [error]

    def break_once(*args, **values):
        step = complete(*args, **values)
        if errors:
            raise errors.pop()
        return step

    monkeypatch.setattr(services, "complete", break_once)
    with suppress(SystemExit):
        runner.run_task(task.pk, 1)
    assert script.runs == ["ONE"]
    row = task.task_details.get(step_type="TWO")
    assert (row.status, row.losses, row.owner) == ("PENDING", 0, None)
    run_all(task)
    assert (task.status, script.runs) == ("COMPLETED", ["ONE", "TWO", "THREE"])


@pytest.mark.django_db(transaction=True)
def test_progress_reaches_the_row_and_a_cancel_reaches_the_step(
    task, script, settings, monkeypatch
):
    settings.TASK_HEARTBEAT_SECONDS = 0.05
    monkeypatch.setattr(runner, "REPORT_SECONDS", 0)
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


def test_a_step_knows_its_task_its_subject_and_its_options(task, script, settings):
    seen = {}

    def step(run):
        seen.update(task=run.task_id, subject=run.subject_id, options=run.options)
        seen["left"] = 0 < run.seconds_left() <= settings.TASK_SLICE_SECONDS
        return StepResult()

    Task.objects.update(options={"size": 5})
    script.steps["ONE"] = step
    run_all(task)
    assert seen == {"task": task.pk, "subject": None, "options": {"size": 5}, "left": True}


def test_progress_is_stored_five_times_a_second_at_most_and_100_only_when_done(task, script):
    seen = []

    def step(run):
        for done in (0, 10, 10, 10):
            run.report(done, 10)
            seen.append(TaskDetail.objects.get(task=task, step_type="ONE").progress)
            if len(seen) == 3:
                run._told_at -= runner.REPORT_SECONDS
        run._told_at -= runner.REPORT_SECONDS
        run.report(0, 0)
        return StepResult()

    script.steps["ONE"] = step
    run_all(task)
    assert seen == [0, 0, 0, 99]


def test_a_report_of_a_step_that_was_taken_away_stops_it(task, script):
    def step(run):
        services.cancel(task.pk)
        run.report(1, 2)
        raise AssertionError("went on")

    script.steps["ONE"] = step
    run_all(task)
    assert (task.status, task.error_code) == ("CANCELLED", None)


def test_a_step_that_knows_it_was_taken_away_stops_before_it_asks(task, script):
    def step(run):
        run.heartbeat.lost.set()
        run.report(1, 2)
        raise AssertionError("went on")

    script.steps["ONE"] = step
    run_all(task)
    assert task.task_details.get(step_type="ONE").progress == 0


def test_the_result_of_a_step_that_was_taken_away_is_dropped(task, script):
    saved = []

    def step(_run):
        services.cancel(task.pk)
        return StepResult(save=lambda: saved.append(1))

    script.steps["ONE"] = step
    run_all(task)
    assert (task.status, saved) == ("CANCELLED", [])


def test_a_worker_told_to_exit_does_so_even_when_its_step_was_taken_away(task, script):
    def step(_run):
        services.cancel(task.pk)
        raise SystemExit(0)

    script.steps["ONE"] = step
    with pytest.raises(SystemExit):
        run_all(task)
    task.refresh_from_db()
    assert task.status == "CANCELLED"


def test_an_output_that_is_refused_fails_the_step_with_its_reason(task, script):
    script.steps["TWO"] = lambda _run: StepResult(save=partial(raising(StepError("Empty.")), None))
    run_all(task)
    assert (task.status, task.error_message) == ("FAILED", "Empty.")


def test_an_output_the_database_could_not_take_is_tried_again(task, script):
    script.steps["TWO"] = lambda _run: StepResult(save=partial(raising(OSError("io")), None))
    run_all(task)
    assert task.task_details.get(step_type="TWO").failures == 1


def test_a_full_storage_costs_no_try(task, script):
    script.steps["ONE"] = raising(OSError(errno.ENOSPC, "No space left on device"))
    run_all(task)
    detail = task.task_details.get(step_type="ONE")
    assert (detail.status, detail.failures, detail.error_code) == ("PENDING", 0, "storage_full")


def test_who_is_asked_to_wait_waits_as_long_as_asked(task, script):
    script.steps["ONE"] = raising(TransientStepError(retry_after=500))
    run_all(task)
    wait = OutboxMessage.objects.annotate(wait=F("due_at") - Now()).get().wait
    assert timedelta(seconds=400) < wait <= timedelta(seconds=500)


@pytest.mark.parametrize(("failures", "longest"), [(0, 2), (3, 16), (20, 300)])
def test_the_backoff_grows_up_to_five_minutes(failures, longest):
    waits = [runner._backoff(failures) for _ in range(200)]
    assert min(waits) >= 1
    assert longest / 2 < max(waits) <= longest
