"""Signing in with what is wrong: it is answered, counted, and nothing of ours breaks."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.utils import timezone

pytestmark = pytest.mark.django_db
LONG = "x" * 256


@pytest.mark.parametrize("path", ["/login/", "/admin/login/"])
def test_a_name_longer_than_any_is_a_wrong_one(client, settings, path):
    settings.AXES_FAILURE_LIMIT = 2
    wrong = {"username": LONG, "password": "wrong"}
    first = client.post(path, wrong)
    assert first.status_code == 200
    assert first.context["form"].errors
    assert client.post(path, wrong).status_code == 429
    assert AccessAttempt.objects.get().username == LONG[:255]


def test_the_api_takes_no_name_that_is_longer_than_any(client):
    for name in ("x" * 151, LONG):
        wrong = {"username": name, "password": "wrong"}
        answer = client.post("/api/auth/token/", wrong, content_type="application/json")
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (400, "invalid")
        assert [each["field"] for each in problem["errors"]] == ["username"]


@pytest.mark.parametrize("path", ["/login/", "/api/auth/token/"])
@pytest.mark.parametrize(("hours", "seconds"), [(0.25, "900"), (2, "7200")])
def test_who_is_locked_out_is_told_for_how_long(client, settings, path, hours, seconds):
    settings.AXES_FAILURE_LIMIT = 2
    settings.AXES_COOLOFF_TIME = hours
    wrong = {"username": "ada", "password": "wrong"}
    sent = {} if path == "/login/" else {"content_type": "application/json"}
    answers = [client.post(path, wrong, **sent) for _ in range(3)]
    assert [answer.status_code for answer in answers[1:]] == [429, 429]
    assert [answer.get("Retry-After") for answer in answers] == [None, seconds, seconds]


@pytest.mark.parametrize("path", ["/login/", "/api/auth/token/"])
def test_who_is_locked_out_may_in_time_sign_in_whatever_was_tried_meanwhile(
    client, settings, user, path
):
    settings.AXES_FAILURE_LIMIT = 2
    sent = {} if path == "/login/" else {"content_type": "application/json"}
    right = {"username": "ada", "password": "correct horse"}
    wrong = right | {"password": "wrong"}
    assert [client.post(path, wrong, **sent).status_code for _ in range(2)][-1] == 429
    most_of_it_ago = timezone.now() - timedelta(minutes=14)
    AccessAttempt.objects.update(attempt_time=most_of_it_ago)
    for each in (wrong, right):
        assert client.post(path, each, **sent).status_code == 429
    assert AccessAttempt.objects.get().attempt_time == most_of_it_ago
    AccessAttempt.objects.update(attempt_time=most_of_it_ago - timedelta(minutes=1))
    assert client.post(path, right, **sent).status_code == (302 if path == "/login/" else 200)


def sign_in(client, address, password="wrong", name="ada"):
    given = {"username": name, "password": password}
    return client.post("/login/", given, REMOTE_ADDR=address).status_code


def test_a_name_is_not_guessed_at_from_ever_more_addresses(client, settings, user, other_user):
    settings.AXES_FAILURE_LIMIT = 2
    assert sign_in(client, "192.0.2.1", "correct horse") == 302
    addresses = [f"198.51.100.{number}" for number in range(25)]
    answers = [sign_in(client, address) for address in addresses]
    assert answers == [200] * 19 + [429] * 6, "ten times what one address may"
    assert sign_in(client, "203.0.113.1", "correct horse") == 429
    assert sign_in(client, "203.0.113.1", "battery staple", "eve") == 302
    assert sign_in(client, "192.0.2.1", "correct horse") == 302, "where she signed in before"
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15))
    assert sign_in(client, "203.0.113.1", "correct horse") == 302


@pytest.mark.parametrize(
    ("addresses", "status"),
    [
        (["2001:db8::1", "2001:db8::2", "2001:db8::ffff:1"], 429),
        (["2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:2::1"], 200),
        (["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1"], 429),
        (["192.0.2.1", "192.0.2.2", "192.0.2.3"], 200),
        (["", "", ""], 429),
    ],
)
def test_who_has_a_network_of_ipv6_has_the_tries_of_one(client, settings, addresses, status):
    settings.AXES_FAILURE_LIMIT = 2
    assert [sign_in(client, address) for address in addresses][-1] == status
