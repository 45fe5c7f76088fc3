"""Staff see what is stuck, act on many at once, and are told what was done and what was not."""

import pytest

from tasks import outbox, queue, services
from tasks.models import OutboxMessage, Task, TaskDetail, Worker
from tasks.tests.factories import Script, make_task, register

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
    assert "1 task: cancel." in page
    assert "is cancelled; that can&#x27;t be done now." in page
    assert set(Task.objects.values_list("status", flat=True)) == {"CANCELLED"}


def test_many_are_retried_at_once(admin_client, user):
    tasks = [make_task(user), make_task(user)]
    for task in tasks:
        services.cancel(task.pk)
    assert "2 tasks: retry." in act(admin_client, "retry_selected", tasks)
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


def test_staff_see_the_workers(admin_client):
    Worker.objects.create(name="worker-7@here", slots=3)
    assert "worker-7@here" in admin_client.get("/admin/tasks/worker/").content.decode()
