"""Signing in with what is wrong: it is answered, counted, and nothing of ours breaks."""

import pytest
from axes.models import AccessAttempt

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
