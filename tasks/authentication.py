"""Who is at the other end of a socket: a browser by its session, a program by its token."""

from dataclasses import dataclass
from importlib import import_module
from io import BytesIO
from types import SimpleNamespace
from typing import Any, cast

import knox.auth
from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

SUBPROTOCOL = "notebook.v1"
TOKEN_PREFIX = "token."  # noqa: S105 - the name of a subprotocol, not a secret


class TokenAuthentication(knox.auth.TokenAuthentication):
    """Knox's, without its look at all of a user's tokens in each request."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, AuthToken]:
        """Ignores odd characters, which may be no UTF-8, or a NUL, which Postgres refuses."""
        found: tuple[Any, AuthToken] = super().authenticate_credentials(
            token if token.isalnum() else b""
        )
        return found

    def _cleanup_token(self, auth_token: AuthToken) -> bool:
        """Whether it has expired; Knox calls this before it compares the token."""
        return auth_token.expiry is not None and auth_token.expiry < timezone.now()


def forget_expired_tokens() -> None:
    AuthToken.objects.filter(expiry__lt=timezone.now()).delete()


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """How somebody is signed in, to be checked again while they watch."""

    token: str | None = None
    session_key: str | None = None

    def user(self) -> AbstractBaseUser | AnonymousUser:
        """The user they belong to now; asks the database."""
        if self.token is not None:
            return user_of_token(self.token)
        store = import_module(settings.SESSION_ENGINE).SessionStore(self.session_key)
        return get_user(cast("HttpRequest", SimpleNamespace(session=store)))


def credentials_in(scope: dict[str, Any]) -> Credentials:
    """The credentials of a socket."""
    session_key = getattr(scope.get("session"), "session_key", None)
    return Credentials(token=_token(scope), session_key=session_key)


def credentials_of(request: HttpRequest) -> Credentials:
    """The credentials of an authenticated request."""
    said = request.headers.get("Authorization", "")
    return credentials_said(said, request.session.session_key)


def credentials_said(authorization: str, session_key: str | None) -> Credentials:
    """From the Authorization header, which takes precedence, or the session."""
    kind, _, token = authorization.partition(" ")
    if kind.lower() == "token":
        return Credentials(token=token.strip())
    return Credentials(session_key=session_key)


class SocketAuthMiddleware:
    """Sets `scope["user"]`. A token comes as the subprotocol `token.<TOKEN>` and needs no Origin;
    anything else must be a same-origin browser with a session cookie."""

    def __init__(self, app: Any) -> None:
        self.by_token = app
        self.by_session = AuthMiddlewareStack(app)
        self.denied = WebsocketDenier()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        token = _token(scope)
        if token is None:
            app = self.by_session if is_from_this_site(scope) else self.denied
            return await app(scope, receive, send)
        user = await database_sync_to_async(user_of_token)(token)
        return await self.by_token(scope | {"user": user}, receive, send)


def is_from_this_site(scope: dict[str, Any]) -> bool:
    """Whether a socket's Origin is one from which Django would take a form: the same host and port,
    or a trusted one. Pages elsewhere carry the cookies, too, if only the port differs."""
    as_http = {"ws": "http", "wss": "https"}.get(scope.get("scheme", "ws"))
    http = scope | {"method": "GET", "scheme": as_http, "query_string": b""}
    request = ASGIRequest(http, BytesIO())
    check: Any = CsrfViewMiddleware(lambda _: HttpResponse())
    return "HTTP_ORIGIN" in request.META and bool(check._origin_verified(request))


def _token(scope: dict[str, Any]) -> str | None:
    offered = scope.get("subprotocols", [])
    return next((p[len(TOKEN_PREFIX) :] for p in offered if p.startswith(TOKEN_PREFIX)), None)


def user_of_token(token: str) -> AbstractBaseUser | AnonymousUser:
    try:
        user, _ = TokenAuthentication().authenticate_credentials(token.encode())
    except AuthenticationFailed:
        return AnonymousUser()
    found: AbstractBaseUser = user
    return found
