"""Watchers (sockets and event streams): their user, their language, and how many are allowed."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import translation

from tasks.authentication import Credentials

SESSION_LANGUAGE = "language"  # session key of the language that the person chose
_open: Counter[int] = Counter()  # sockets and streams of this process, by user


@dataclass
class Watcher:
    user: Any
    credentials: Credentials
    language: str


def is_full(user_id: int) -> bool:
    return _open[user_id] >= int(settings.SOCKETS_PER_USER)


@contextlib.contextmanager
def place(user_id: int) -> Iterator[None]:
    """Count one more watcher of this user."""
    _open[user_id] += 1
    try:
        yield
    finally:
        _open[user_id] -= 1


def language_of(accepted: str) -> str:
    """The first language in an `Accept-Language` header that we support."""
    for part in accepted.split(","):
        with contextlib.suppress(LookupError):
            return translation.get_supported_language_variant(part.split(";")[0].strip())
    return str(settings.LANGUAGE_CODE)
