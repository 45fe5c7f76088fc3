"""The history of a task: what it tells its owner and staff, and to whom it tells nothing."""

import pytest

from tasks import services
from tasks.exceptions import StepError, StepPaused, StepTimeout, TransientStepError, WorkerLost
from tasks.history import WORKER_STOPPED
from tasks.models import OutboxMessage, TaskDetail, TaskEvent
from tasks.tests.factories import (
    let_leases_run_out,
    make_document,
    make_task,
    raising,
    run_all,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("script")]


# Forms of the admin's page that nobody fills in.


class Garbled(StepError):
    """This can't be read."""

    code = "garbled"


def events(task):
    return list(task.history.values_list("event", flat=True))


def run_now(task):
    """Do what is due, and what will be."""
    OutboxMessage.objects.filter(task=task).update(due_at="2000-01-01T00:00:00Z")
    run_all(task)


def history(api, task, **params):
    answer = api.get(f"/api/tasks/{task.pk}/history/", params)
    assert answer.status_code == 200
    return answer.json()


def test_a_task_that_went_well_was_created_started_and_completed(api, user):
    task = make_task(user)
    run_all(task)
    first, second, third = history(api, task)["results"]
    assert (first["event"], first["event_name"], first["by"]) == ("CREATED", "Created", None)
    assert [second["event"], third["event"]] == ["STARTED", "COMPLETED"]
    assert first["created_at"] < second["created_at"] < third["created_at"]
    assert set(first) == {
        "id", "event", "event_name", "by", "attempt", "step_type", "step_name", "error_code",
        "reason", "times", "created_at", "last_at",
    }  # fmt: skip


def test_a_failure_is_told_with_its_step_and_its_reason(api, user, script):
    script.steps["TWO"] = raising(Garbled())
    task = make_task(user)
    run_all(task)
    failed = history(api, task)["results"][-1]
    told = [failed[name] for name in ("event", "step_type", "step_name", "error_code", "reason")]
    assert told == ["FAILED", "TWO", "Two", "garbled", "This can't be read."]


def test_the_owner_and_staff_are_told_apart_and_not_named(api, client, admin_user, user):
    task = make_task(user)
    api.post(f"/api/tasks/{task.pk}/cancel/")
    client.force_login(admin_user)
    client.post(f"/admin/tasks/task/{task.pk}/change/", {"_retry": "1"})
    api.post(f"/api/tasks/{task.pk}/cancel/")
    services.retry(task.pk)
    found = history(api, task)["results"]
    assert [(each["event"], each["by"], each["attempt"]) for each in found] == [
        ("CREATED", None, 1), ("CANCELLED", "owner", 1), ("RETRIED", "staff", 2),
        ("CANCELLED", "owner", 2), ("RETRIED", None, 3),
    ]  # fmt: skip
    assert admin_user.username not in str(found)
    page = client.get(f"/admin/tasks/task/{task.pk}/change/").content.decode()
    assert page.count('<td class="field-by_whom">') == 5
    assert f">{admin_user.username}</a>" in page


def test_who_uploads_and_who_processes_again_is_the_owner(api, user):
    document = make_document(user)
    api.post(f"/api/documents/{document.pk}/reprocess/")
    task = document.tasks.get()
    assert history(api, task)["results"][0]["by"] == "owner"


def test_staff_who_are_gone_are_not_staff_any_more_and_the_history_stays(api, admin_user, user):
    task = make_task(user)
    services.cancel(task.pk, by_id=admin_user.pk)
    admin_user.delete()
    assert history(api, task)["results"][-1]["by"] is None


def test_a_wait_is_told_once_however_long_it_lasts(api, user, script):
    script.steps["ONE"] = raising(StepPaused(60, "The day's budget is used up.", code="budget"))
    task = make_task(user)
    for _ in range(4):
        run_now(task)
    waited = history(api, task)["results"][-1]
    told = [waited[name] for name in ("event", "step_type", "error_code", "reason", "times")]
    assert told == ["POSTPONED", "ONE", "budget", "The day's budget is used up.", 4]
    assert waited["created_at"] < waited["last_at"]
    script.steps["ONE"] = raising(TransientStepError("It did not answer."))
    run_now(task)
    script.steps["ONE"] = raising(StepPaused(60, "The day's budget is used up.", code="budget"))
    run_now(task)
    found = [each for each in history(api, task)["results"] if each["event"] == "POSTPONED"]
    assert [(each["error_code"], each["times"]) for each in found] == [
        ("budget", 4), ("temporarily_unavailable", 1), ("budget", 1),
    ]  # fmt: skip


def test_a_turn_that_ends_is_nothing_to_tell(user, script):
    script.steps["ONE"] = raising(StepPaused(1, progressed=True))
    task = make_task(user)
    for _ in range(3):
        run_now(task)
    assert events(task) == ["CREATED", "STARTED"]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("worker_lost", "Its worker was lost."),
        ("step_timeout", "It took too long."),
        (WORKER_STOPPED, "Its worker was stopped."),
    ],
)
def test_a_restart_says_what_became_of_the_worker(api, client, admin_user, user, code, sentence):
    task = make_task(user)
    services.dispatch(task.pk, 1, worker="worker-7")
    step = TaskDetail.objects.select_related("task").get(task=task, step_order=1)
    if code == WORKER_STOPPED:
        services.postpone(step, seconds=0, restart=WORKER_STOPPED)
    elif code == "step_timeout":
        services.lost(step, StepTimeout(tries=3))
    else:
        let_leases_run_out()
        services.take_over(step, WorkerLost(tries=3))
    told = history(api, task)["results"][-1]
    assert [told[name] for name in ("event", "error_code", "reason", "step_type")] == [
        "RESTARTED", code, sentence, "ONE",
    ]  # fmt: skip
    assert "worker-7" not in str(told)
    client.force_login(admin_user)
    page = client.get(f"/admin/tasks/task/{task.pk}/change/").content.decode()
    assert f"{sentence} ({code})" in page
    assert page.count("worker-7") == 3  # the step, the start, the restart


def test_pages_go_forward_in_time(api, user):
    task = make_task(user)
    for _ in range(3):
        services.cancel(task.pk)
        services.retry(task.pk)
    found, page = [], history(api, task, page_size=3)
    while True:
        found += [each["id"] for each in page["results"]]
        if page["next"] is None:
            break
        page = api.get(page["next"]).json()
    assert found == sorted(found)
    assert len(found) == 7


def test_in_chinese(api, user):
    task = make_task(user)
    services.cancel(task.pk)
    answer = api.get(f"/api/tasks/{task.pk}/history/", headers={"accept-language": "zh-hans"})
    assert [each["event_name"] for each in answer.json()["results"]] == ["已创建", "已取消"]


def test_somebody_elses_is_not_found(api, django_user_model):
    other = django_user_model.objects.create_user("other")
    assert api.get(f"/api/tasks/{make_task(other).pk}/history/").status_code == 404


def test_it_goes_with_its_document(api, user):
    document = make_document(user)
    make_task(user, document)
    assert api.delete(f"/api/documents/{document.pk}/").status_code == 204
    assert not TaskEvent.objects.exists()


def test_many_entries_cost_no_more_queries(admin_client, user, django_assert_max_num_queries):
    task = make_task(user)
    for _ in range(20):
        services.cancel(task.pk, by_id=user.pk)
        services.retry(task.pk, by_id=user.pk)
    with django_assert_max_num_queries(14):
        page = admin_client.get(f"/admin/tasks/task/{task.pk}/change/").content.decode()
    assert page.count('<td class="field-by_whom">') == 41
