"""Authenticates senders of large bodies before these are read, to limit what strangers can send.

The application authenticates again, once the body has arrived.
"""

from http import HTTPStatus

from channels.db import database_sync_to_async
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated

from notebook.problems import DATABASE_AWAY, describe
from notebook.stack.bodies import Refusal
from tasks.authentication import credentials_said

WRONG_TOKEN = "Invalid token."  # noqa: S105 - as for small requests


async def refusal_of(authorization: bytes, session_key: bytes) -> Refusal | None:
    """The refusal for a sender with these headers; None if they are signed in."""
    said = credentials_said(authorization.decode("latin-1"), session_key.decode("latin-1"))
    try:
        user = await database_sync_to_async(said.user, thread_sensitive=False)()
    except DATABASE_AWAY as error:
        return _told(error)
    if user.is_authenticated:
        return None
    return _told(NotAuthenticated() if said.token is None else AuthenticationFailed(WRONG_TOKEN))


def _told(error: Exception) -> Refusal:
    """The refusal that the application would send."""
    problem = describe(error)
    assert problem is not None  # noqa: S101 - each of these is known
    return HTTPStatus(problem["status"]), problem["code"], problem["detail"]
