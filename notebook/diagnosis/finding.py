"""A finding of the doctor, and how to run a check with a deadline."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from django.db import connection

T = TypeVar("T")


class Level(StrEnum):
    OK = "ok"
    NOTE = "note"  # worth knowing; nothing is broken
    PROBLEM = "problem"
    UNKNOWN = "unknown"  # could not look


@dataclass(frozen=True, kw_only=True)
class Finding:
    level: Level
    name: str
    sentence: str  # for people
    facts: dict[str, Any] = field(default_factory=dict)  # for machines; JSON values


def within(seconds: float, look: Callable[[], T]) -> T:
    """The result of `look`. Raises TimeoutError if it takes longer.

    It runs in a separate thread with its own database connection, so that a frozen server or disk
    costs no more than that thread.
    """
    answer: Future[T] = Future()
    threading.Thread(target=_answer, args=(answer, look), daemon=True).start()
    return answer.result(seconds)


def _answer(answer: "Future[T]", look: Callable[[], T]) -> None:
    try:
        found = look()
    except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
        answer.set_exception(error)
    else:
        connection.close()
        answer.set_result(found)
    finally:
        connection.close()
