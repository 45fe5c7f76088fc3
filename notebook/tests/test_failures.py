"""What people see, who come by no address of the API, when something fails."""

import pytest
from django.db import OperationalError

pytestmark = pytest.mark.django_db


def assert_page(response, status, *sentences):
    page = response.content.decode()
    assert (response.status_code, response["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert 'href="/"' in page
    for sentence in sentences:
        assert sentence in page


def test_at_an_address_of_nothing_there_is_a_way_on(client):
    told = ("Page not found", "The address is mistyped")
    assert_page(client.get("/documents/"), 404, *told)


def test_it_is_told_in_the_language_of_who_came(client):
    response = client.get("/documents/", headers={"Accept-Language": "zh-CN"})
    assert_page(response, 404, "这里什么也没有")


def test_staff_without_the_permission_are_told_so(client, django_user_model):
    client.force_login(django_user_model.objects.create(username="staff", is_staff=True))
    assert_page(client.get("/admin/tasks/task/"), 403, "Permission denied", "Ask whoever runs")


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (OperationalError("server closed the connection"), 503, "Try again shortly."),
        (OSError(28, "No space left on device"), 507, "The storage is full."),
        (ZeroDivisionError("division by zero"), 500, "It has been logged."),
    ],
)
def test_a_failure_of_ours_is_a_page_that_tells_no_internals(
    client, user, monkeypatch, error, status, sentence
):
    def fail(*_):
        raise error

    monkeypatch.setattr("notebook.views.chat.is_configured", fail)
    client.force_login(user)
    client.raise_request_exception = False
    response = client.get("/")
    assert_page(response, status, sentence)
    assert response.get("Retry-After") == ("5" if status == 503 else None)
    assert str(error) not in response.content.decode()
