"""Who sends a large body: looked at before it is taken, so that nobody unknown may hold much.

The application looks again, when the body is there.
"""

from http import HTTPStatus

from channels.db import database_sync_to_async

from notebook.problems import DATABASE_AWAY
from notebook.stack.bodies import Refusal
from tasks.authentication import credentials_said

# As the application says it to who sends little.
WRONG_TOKEN = HTTPStatus.UNAUTHORIZED, "authentication_failed", "Invalid token."
NOT_SIGNED_IN = (
    HTTPStatus.UNAUTHORIZED,
    "not_authenticated",
    "Authentication credentials were not provided.",
)
UNAVAILABLE = (
    HTTPStatus.SERVICE_UNAVAILABLE,
    "database_unavailable",
    "The database can't be reached. Try again shortly.",
)


async def refusal_of(authorization: bytes, session_key: bytes) -> Refusal | None:
    """Why the sender of these headers may send no more; None for who is signed in."""
    said = credentials_said(authorization.decode("latin-1"), session_key.decode("latin-1"))
    try:
        user = await database_sync_to_async(said.user, thread_sensitive=False)()
    except DATABASE_AWAY:
        return UNAVAILABLE
    if user.is_authenticated:
        return None
    return NOT_SIGNED_IN if said.token is None else WRONG_TOKEN
