"""Staff see whose programs may sign in and revoke it; nobody makes a token for somebody else."""

import pytest
from knox.models import AuthToken

pytestmark = pytest.mark.django_db
LIST = "/admin/notebook/apitoken/"


def test_a_token_is_revoked_and_none_is_made(admin_client, client, user):
    row, token = AuthToken.objects.create(user)
    sign_in = {"Authorization": f"Token {token}"}
    assert client.get("/api/documents/", headers=sign_in).status_code == 200
    page = admin_client.get(LIST).content.decode()
    assert row.token_key in page
    assert token not in page
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.get("/admin/knox/authtoken/add/").status_code == 404
    admin_client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"})
    assert client.get("/api/documents/", headers=sign_in).status_code == 401


def is_let_in(client, token):
    answer = client.get("/api/documents/", headers={"Authorization": f"Token {token}"})
    return answer.status_code == 200


def by_staff(client, user):
    new = {"password1": "battery staple 9", "password2": "battery staple 9"}
    client.post(f"/admin/auth/user/{user.pk}/password/", new | {"usable_password": "true"})


def disabled_by_staff(client, user):
    sent = {"usable_password": "false", "unset-password": "1"}
    client.post(f"/admin/auth/user/{user.pk}/password/", sent)


def by_a_command(client, user):
    user.set_password("battery staple 9")
    user.save()


@pytest.mark.parametrize("change", [by_staff, disabled_by_staff, by_a_command])
def test_another_password_revokes_the_tokens_of_its_user_and_of_no_other(
    admin_client, client, user, other_user, change
):
    theirs, others = (AuthToken.objects.create(each)[1] for each in (user, other_user))
    before = user.password
    change(admin_client, user)
    user.refresh_from_db()
    assert user.password != before
    assert [is_let_in(client, token) for token in (theirs, others)] == [False, True]


def test_who_changes_their_own_password_revokes_their_tokens(client, user):
    user.is_staff = True
    user.save()
    token = AuthToken.objects.create(user)[1]
    client.force_login(user)
    new = {"new_password1": "battery staple 9", "new_password2": "battery staple 9"}
    answer = client.post("/admin/password_change/", {"old_password": "correct horse"} | new)
    assert answer.status_code == 302
    assert not is_let_in(client, token)


def test_who_has_no_password_keeps_the_tokens_when_something_else_changes(client, user):
    user.set_unusable_password()
    user.save()
    token = AuthToken.objects.create(user)[1]
    user.email = "ada@example.org"
    user.save()
    assert is_let_in(client, token)


def test_a_hash_that_is_renewed_leaves_the_tokens(client, user, settings):
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher", *settings.PASSWORD_HASHERS
    ]  # fmt: skip
    token, before = AuthToken.objects.create(user)[1], user.password
    client.post("/login/", {"username": "ada", "password": "correct horse"})
    user.refresh_from_db()
    assert user.password != before
    assert is_let_in(client, token)
