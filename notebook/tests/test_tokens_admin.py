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
