"""Staff see what is stuck, act on many at once, and are told what was done and what was not."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tasks import outbox, overview, queue, services
from tasks.admin import TaskAdmin
from tasks.exceptions import StepError, WorkerLost
from tasks.models import OutboxMessage, Task, TaskDetail, Worker
from tasks.tests.factories import (
    Script,
    fill_queue,
    make_document,
    make_task,
    register,
    run_all,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr(outbox, "_publish_soon", lambda *_: None)
    register(Script())


def act(client, name, tasks):
    chosen = {"action": name, "_selected_action": [str(task.pk) for task in tasks]}
    return client.post("/admin/tasks/task/", chosen, follow=True).content.decode()


def test_the_list_costs_the_same_queries_whatever_its_length(
    admin_client, user, django_assert_max_num_queries
):
    for _ in range(20):
        make_task(user)
    with django_assert_max_num_queries(12):
        page = admin_client.get("/admin/tasks/task/").content.decode()
    assert page.count("state-pending") == 20


def test_many_are_cancelled_at_once_and_what_was_skipped_is_named(admin_client, user):
    waiting, ended = make_task(user), make_task(user)
    services.cancel(ended.pk)
    page = act(admin_client, "cancel_selected", [waiting, ended])
    assert "1 task was cancelled." in page
    assert "is cancelled; that can&#x27;t be done now." in page
    assert set(Task.objects.values_list("status", flat=True)) == {"CANCELLED"}


def test_many_are_retried_at_once(admin_client, user):
    tasks = [make_task(user), make_task(user)]
    for task in tasks:
        services.cancel(task.pk)
    assert "2 tasks are retried." in act(admin_client, "retry_selected", tasks)
    assert list(Task.objects.values_list("status", "attempt")) == [("PENDING", 2)] * 2


def test_who_may_only_look_is_offered_no_action(client, user, django_user_model):
    from django.contrib.auth.models import Permission

    user.is_staff = True
    user.save()
    user.user_permissions.add(Permission.objects.get(codename="view_task"))
    task = make_task(user)
    client.force_login(user)
    page = client.get("/admin/tasks/task/").content.decode()
    assert "cancel_selected" not in page
    act(client, "cancel_selected", [task])
    task.refresh_from_db()
    assert task.status == "PENDING"


def test_the_list_says_why_a_task_waits(admin_client, user):
    first, second, third = (make_task(user) for _ in range(3))
    queue.rank()
    TaskDetail.objects.filter(task=third, step_order=1).update(error_message="The disk is full.")
    page = admin_client.get("/admin/tasks/task/").content.decode()
    assert ["Number 1 in the queue" in page, "Number 2 in the queue" in page] == [True, True]
    assert "The disk is full." in page
    queue.rank(OutboxMessage.Problem.NO_WORKER)
    for task in (first, second):
        page = admin_client.get(f"/admin/tasks/task/{task.pk}/change/").content.decode()
        assert "No worker is running." in page


def press(client, task, name):
    address = f"/admin/tasks/task/{task.pk}/change/"
    return client.post(address, {name: "1"}, follow=True).content.decode()


def test_the_buttons_post_nothing_of_what_the_page_lists(admin_client, user):
    task = make_task(user)
    page = admin_client.get(f"/admin/tasks/task/{task.pk}/change/").content.decode()
    (form,) = [
        each for each in re.findall(r"<form.*?</form>", page, re.DOTALL) if "_cancel" in each
    ]
    assert re.findall(r'name="(\w+)"', form) == ["csrfmiddlewaretoken", "_cancel"]
    assert "1 task was cancelled." in press(admin_client, task, "_cancel")
    assert "1 task is retried." in press(admin_client, task, "_retry")


def test_the_buttons_come_before_all_that_the_page_lists(admin_client, user):
    task = make_task(user)
    page = admin_client.get(f"/admin/tasks/task/{task.pk}/change/").content.decode()
    assert page.index('name="_cancel"') < page.index(f">{task.pk}<")


def test_what_staff_did_names_the_document(admin_client, user):
    task = make_task(user, make_document(user))
    press(admin_client, task, "_cancel")
    assert list(LogEntry.objects.values_list("object_repr", flat=True)) == ["a.txt"]
    page = admin_client.get(f"/admin/tasks/task/{task.pk}/change/").content.decode()
    crumbs = re.search(r'<div class="breadcrumbs">.*?</div>', page, re.DOTALL)[0]
    assert "a.txt" in crumbs


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", ["Failed", *["Not started"] * 2]), ("zh-hans", ["失败", *["未开始"] * 2])],
)
def test_the_steps_after_a_failed_one_were_not_cancelled(admin_client, user, language, told):
    fail(task := make_task(user), StepError())
    asked = {"headers": {"Accept-Language": language}}
    page = admin_client.get(f"/admin/tasks/task/{task.pk}/change/", **asked).content.decode()
    states = re.findall(r'<td class="field-state">\s*<p>([^<]*)</p>', page)
    assert states == told


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "30 Nov 2026, 23:59:58 UTC"), ("zh-hans", "2026年11月30日 23:59:58 UTC")],
)
def test_times_name_their_zone(admin_client, user, language, told):
    moment = datetime(2026, 11, 30, 23, 59, 58, tzinfo=UTC)
    Task.objects.filter(pk=make_task(user).pk).update(created_at=moment)
    task = Task.objects.get()
    asked = {"headers": {"Accept-Language": language}}
    page = admin_client.get(f"/admin/tasks/task/{task.pk}/change/", **asked).content.decode()
    assert told in page


@pytest.mark.parametrize(
    ("language", "told"), [("en", ["Cancelled", "Retried"]), ("zh-hans", ["已取消", "已重试"])]
)
def test_what_staff_did_is_told_in_the_language_of_who_looks(admin_client, user, language, told):
    task = make_task(user)
    for name in ("_cancel", "_retry"):
        press(admin_client, task, name)
    asked = {"headers": {"Accept-Language": language}}
    page = admin_client.get(f"/admin/tasks/task/{task.pk}/history/", **asked).content.decode()
    table = page[page.index('<div id="change-history"') :]
    assert re.findall(r"<td>([^<]*)</td>", table)[1::2] == told
    assert list(LogEntry.objects.order_by("pk").values_list("change_message", flat=True)) == [
        "Cancelled",
        "Retried",
    ]


def test_who_may_only_look_can_press_no_button(client, user):
    from django.contrib.auth.models import Permission

    user.is_staff = True
    user.save()
    user.user_permissions.add(Permission.objects.get(codename="view_task"))
    task = make_task(user)
    client.force_login(user)
    page = client.get(f"/admin/tasks/task/{task.pk}/change/").content.decode()
    assert "_cancel" not in page
    press(client, task, "_cancel")
    task.refresh_from_db()
    assert task.status == "PENDING"


def test_who_may_look_at_a_task_sees_its_steps_and_its_history(client, user):
    from django.contrib.auth.models import Permission

    user.is_staff = True
    user.save()
    task = make_task(user)
    client.force_login(user)
    address = f"/admin/tasks/task/{task.pk}/change/"
    assert client.get(address).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_task"))
    page = client.get(address).content.decode()
    assert re.findall(r'id="(\w+)-group"', page) == ["task_details", "history"]
    assert "Created" in page
    assert {row.step_name for row in task.task_details.all()} <= set(
        re.findall(r'field-step_name">\s*<p>(.*?)</p>', page)
    )


def test_what_was_deleted_meanwhile_is_skipped_and_named(admin_client, user, monkeypatch):
    first, second = (make_task(user, make_document(user)) for _ in range(2))

    def cancel(pk, by_id):
        Task.objects.exclude(pk=pk).delete()
        return services_cancel(pk, by_id=by_id)

    services_cancel = services.cancel
    cancel.__name__ = "cancel"
    monkeypatch.setattr(services, "cancel", cancel)
    page = act(admin_client, "cancel_selected", [first, second])
    assert "1 task was cancelled." in page
    assert "“a.txt”: Somebody else has deleted it meanwhile." in page


def test_a_file_name_is_told_as_it_is(admin_client, user):
    task = make_task(user, make_document(user))
    services.cancel(task.pk)
    page = act(admin_client, "cancel_selected", [task])
    assert re.findall(r"(\S+): The task is cancelled;", page) == ['class="warning">“a.txt”']


def test_staff_see_the_workers(admin_client):
    Worker.objects.create(name="worker-7@here", slots=3)
    assert "worker-7@here" in admin_client.get("/admin/tasks/worker/").content.decode()


# -- the overview ------------------------------------------------------------------------------


def fail(task, error):
    services.fail(services.dispatch(task.pk, task.attempt, worker="w"), error)


def overview_of(client):
    return client.get("/admin/").content.decode()


def retry_cause(client, error_code):
    posted = {"error_code": error_code}
    return client.post("/admin/tasks/task/retry-cause/", posted, follow=True).content.decode()


def test_the_overview_counts_by_state_and_names_who_waits_longest(admin_client, user):
    first, _, running = (make_task(user) for _ in range(3))
    services.dispatch(running.pk, 1, worker="w")
    page = overview_of(admin_client)
    counts = re.findall(r'<strong>(\d+)</strong> <span class="state state-(\w+)">', page)
    assert {state: int(count) for count, state in counts} == {
        "pending": 2, "running": 1, "completed": 0, "failed": 0, "cancelled": 0,
    }  # fmt: skip
    assert f'/admin/tasks/task/{first.pk}/change/">' in page
    assert "No worker responds." in page
    Worker.objects.create(name="worker-7@here", slots=3)
    assert "worker-7@here (3)" in overview_of(admin_client)


def test_the_overview_tells_why_steps_are_paused_and_how_many(admin_client, user):
    assert "Paused" not in overview_of(admin_client)
    for reason in ("The service is away.", "The service is away.", None):
        step = services.dispatch(make_task(user).pk, 1, worker="w")
        services.postpone(step, seconds=3600, reason=reason)
    page = overview_of(admin_client)
    assert "<dd>2 × The service is away.<br>1 × –</dd>" in page


def test_who_waits_longest_is_found_without_looking_at_all(user):
    fill_queue(user)
    with CaptureQueriesContext(connection) as done:
        overview.look()
    (statement,) = [each["sql"] for each in done if '"updated_at" ASC' in each["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}")
        assert "task_live" in str(cursor.fetchall())


def test_who_was_retried_waits_since_then(admin_client, user):
    again, first = make_task(user), make_task(user)
    services.cancel(again.pk)
    services.retry(again.pk)
    page = overview_of(admin_client)
    assert f'/admin/tasks/task/{first.pk}/change/">' in page
    assert f'/admin/tasks/task/{again.pk}/change/">' not in page


def test_who_has_to_sign_in_before_a_cause_is_retried_comes_back_to_the_overview(
    admin_client, user
):
    fail(task := make_task(user), StepError())
    answer = admin_client.get("/admin/tasks/task/retry-cause/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    task.refresh_from_db()
    assert task.status == "FAILED"


def test_failures_are_grouped_by_cause_and_retried_together(admin_client, user):
    lost, broken, again = [make_task(user) for _ in range(3)], make_task(user), make_document(user)
    for task in lost:
        fail(task, WorkerLost(tries=3))
    fail(broken, StepError())
    fail(make_task(user, again), WorkerLost(tries=3))
    make_task(user, again)  # took the place of the one that failed
    page = overview_of(admin_client)
    assert re.findall(r"<code>(\w+)</code></td>\s*<td><a [^>]*>(\d+)</a>", page) == [
        ("worker_lost", "3"), ("internal_error", "1"),
    ]  # fmt: skip
    (listed,) = re.findall(r'href="([^"]+=worker_lost[^"]*)"', page)
    shown = admin_client.get(html.unescape(listed)).content.decode()
    assert shown.count('name="_selected_action"') == 3, "as many as were told"
    assert "Retry these 3" in page
    assert "3 tasks are retried." in retry_cause(admin_client, "worker_lost")
    for task in lost:
        task.refresh_from_db()
    assert [(task.status, task.attempt) for task in lost] == [("PENDING", 2)] * 3
    broken.refresh_from_db()
    assert broken.status == "FAILED"


def test_more_than_can_be_retried_at_once_are_told(admin_client, user, monkeypatch):
    monkeypatch.setattr("tasks.admin.lists.MOST_AT_ONCE", 2)
    for _ in range(3):
        fail(make_task(user), StepError())
    page = retry_cause(admin_client, "internal_error")
    assert ["2 tasks are retried." in page, "1 is left. Repeat this" in page] == [True, True]


def test_of_a_long_list_a_click_cancels_the_first_that_can_be_cancelled(
    admin_client, user, monkeypatch
):
    """Or the request would take half an hour for 100,000, of which nobody sees the end."""
    monkeypatch.setattr("tasks.admin.lists.MOST_AT_ONCE", 2)
    tasks = [make_task(user) for _ in range(6)]
    services.cancel(tasks[-1].pk)  # the list begins with it
    whole = {"action": "cancel_selected", "select_across": "1", "_selected_action": [tasks[0].pk]}
    page = admin_client.post("/admin/tasks/task/", whole, follow=True).content.decode()
    assert ["2 tasks were cancelled." in page, "3 are left. Repeat this" in page] == [True, True]
    live = Task.objects.filter(status="PENDING").order_by("created_at")
    assert [task.pk for task in live] == [task.pk for task in tasks[:3]]
    page = admin_client.post("/admin/tasks/task/", whole, follow=True).content.decode()
    assert ["2 tasks were cancelled." in page, "1 is left. Repeat this" in page] == [True, True]


def test_of_many_that_are_skipped_ten_are_named(admin_client, user):
    tasks = [make_task(user) for _ in range(13)]
    for task in tasks:
        services.cancel(task.pk)
    page = act(admin_client, "cancel_selected", tasks)
    assert page.count("can&#x27;t be done now.") == 10
    assert "3 more were skipped." in page


def test_only_who_may_change_tasks_may_retry_a_cause(client, user):
    from django.contrib.auth.models import Permission

    fail(task := make_task(user), StepError())
    user.is_staff = True
    user.save()
    client.force_login(user)
    assert "Task overview" not in client.get("/admin/").content.decode()
    user.user_permissions.add(Permission.objects.get(codename="view_task"))
    page = client.get("/admin/").content.decode()
    assert ["Task overview" in page, "Retry this one" in page] == [True, False]
    address = "/admin/tasks/task/retry-cause/"
    assert client.post(address, {"error_code": "internal_error"}).status_code == 403
    assert client.get(address).status_code in (403, 405)
    task.refresh_from_db()
    assert task.status == "FAILED"


def test_the_plots_show_each_hour_of_the_last_day(user):
    now = timezone.now()
    for hours, error in ((0, None), (0, StepError()), (5, StepError()), (30, StepError())):
        task = make_task(user)
        if error:
            fail(task, error)
        else:
            run_all(task)
        Task.objects.filter(pk=task.pk).update(completed_at=now - timedelta(hours=hours))
    found = overview.look().hours
    assert len(found) == 24
    assert [(hour.completed, hour.failed) for hour in found if hour.completed or hour.failed] == [
        (0, 1), (1, 1),
    ]  # fmt: skip
    assert [hour.failure_rate for hour in found][-1] == 0.5
    assert sum(hour.failure_rate for hour in found) == 1.5


def test_the_overview_costs_the_same_queries_however_much_there_is(
    admin_client, user, django_assert_max_num_queries
):
    for _ in range(15):
        fail(make_task(user), StepError())
    with django_assert_max_num_queries(14):
        admin_client.get("/admin/")


def test_a_task_is_named_by_its_document_and_leads_to_its_messages(admin_client, user):
    task = make_task(user, make_document(user))
    page = admin_client.get(f"/admin/tasks/task/{task.pk}/change/").content.decode()
    assert "<h2>a.txt</h2>" in page
    assert f"/admin/django_celery_results/taskresult/?q={task.pk}" in page


# -- finding -----------------------------------------------------------------------------------


@pytest.fixture
def named(user, django_user_model):
    """Two people's tasks by the name of their document."""
    owners = {"plan": user, "budget": django_user_model.objects.create_user("frida")}
    found = {}
    for name, owner in owners.items():
        document = make_document(owner)
        document.name = f"The {name} of May.pdf"
        document.save()
        found[name] = make_task(owner, document)
    fail(found["budget"], WorkerLost(tries=3))
    return found


def found_by(client, term, **filters):
    page = client.get("/admin/tasks/task/", {"q": term, **filters}).content.decode()
    return sorted(re.findall(r">The (\w+) of May.pdf<", page))


@pytest.mark.parametrize(
    ("term", "names"),
    [
        ("MAY", ["budget", "plan"]),
        ("may budget", ["budget"]),
        ("frida may", ["budget"]),
        ("frida plan", []),
        ('"of May"', ["budget", "plan"]),
        ('"may of"', []),
        ("worker plan", []),
        ("worker frida", ["budget"]),
        ("%", []),
        ('"', []),
        ("00000000-0000-0000-0000-000000000000", []),
    ],
)
def test_a_task_is_found_by_words_of_its_document_owner_and_error(admin_client, named, term, names):
    assert found_by(admin_client, term) == names


def test_a_task_is_found_by_its_id_and_its_documents(admin_client, named):
    task = named["plan"]
    for pk in (task.pk, task.document_id, f" {task.pk} "):
        assert found_by(admin_client, pk) == ["plan"]


def test_only_causes_that_there_are_can_be_chosen(admin_client, named):
    page = admin_client.get("/admin/tasks/task/").content.decode()
    assert re.findall(r"\?error_code=([a-z_]+)", page) == ["worker_lost"]
    assert found_by(admin_client, "May", error_code="worker_lost") == ["budget"]
    assert found_by(admin_client, "May", error_code="nothing") == []


@pytest.mark.parametrize("name", ["error_code", "status__exact", "lane__exact"])
def test_a_filter_with_a_nul_is_a_wrong_filter(admin_client, named, name):
    answer = admin_client.get("/admin/tasks/task/", {name: "x\0"}, follow=True)
    assert answer.redirect_chain == [("/admin/tasks/task/?e=1", 302)]
    assert answer.status_code == 200


def test_a_far_page_is_in_the_lists_order(admin_client, user, monkeypatch):
    monkeypatch.setattr(TaskAdmin, "list_per_page", 3)
    tasks = [make_task(user) for _ in range(8)]
    shown = []
    for number in (1, 2, 3):
        page = admin_client.get("/admin/tasks/task/", {"p": number}).content.decode()
        shown += re.findall(r'name="_selected_action" value="([0-9a-f-]+)"', page)
    newest_first = Task.objects.order_by("-created_at", "-pk").values_list("pk", flat=True)
    assert shown == [str(pk) for pk in newest_first]
    assert len(shown) == len(tasks)
