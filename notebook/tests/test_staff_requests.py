"""Requests to the admin that none of its pages makes."""

import pytest

from tasks.models import Task
from tasks.tests.factories import Script, make_task, register, send_nothing

pytestmark = pytest.mark.django_db
AUTOCOMPLETE = (
    "/admin/autocomplete/?app_label=documents&model_name=document&field_name=owner&term=%00"
)


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    send_nothing(monkeypatch)
    register(Script())


@pytest.mark.parametrize(
    "address",
    [
        "/admin/tasks/worker/%00/change/",
        "/admin/tasks/worker/%00/history/",
        "/admin/tasks/worker/?name=%00",
        "/admin/notebook/apitoken/%00/delete/",
        "/admin/documents/embeddingspace/?state=%00",
        AUTOCOMPLETE,
    ],
)
def test_a_nul_in_an_address_is_a_bad_request(admin_client, address):
    assert admin_client.get(address).status_code == 400


def test_a_nul_in_a_form_is_a_bad_request(admin_client):
    answer = admin_client.post("/admin/tasks/task/retry-cause/", {"error_code": "\0"})
    assert answer.status_code == 400


def test_an_error_without_a_nul_is_one_of_ours(admin_client, monkeypatch):
    def fail(*_):
        raise ValueError

    monkeypatch.setattr("tasks.overview.failed_by", fail)
    with pytest.raises(ValueError):  # noqa: PT011 - the very one
        admin_client.post("/admin/tasks/task/retry-cause/", {"error_code": "x"})


@pytest.mark.parametrize(
    ("address", "action"),
    [
        ("/admin/tasks/task/", "cancel_selected"),
        ("/admin/documents/document/", "delete_selected"),
        ("/admin/auth/user/", "delete_selected"),
        ("/admin/axes/accessattempt/", "delete_selected"),
    ],
)
@pytest.mark.parametrize("button", [{}, {"index": "0"}], ids=["confirmed", "chosen"])
def test_a_row_that_can_not_be_is_gone(admin_client, address, action, button):
    chosen = {"action": action, "_selected_action": ["zzz", "\0"], "post": "yes"} | button
    assert admin_client.post(address, chosen, follow=True).status_code == 200


def test_the_rows_beside_it_are_acted_on(admin_client, user):
    task, other = make_task(user), make_task(user)
    chosen = {"action": "cancel_selected", "_selected_action": ["zzz", str(task.pk)]}
    admin_client.post("/admin/tasks/task/", chosen)
    assert Task.objects.get(pk=task.pk).status == "CANCELLED"
    assert Task.objects.get(pk=other.pk).status == "PENDING"
