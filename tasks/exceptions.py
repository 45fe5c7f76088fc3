"""What can go wrong with a task. The docstring of an error is its default sentence for people."""

import errno
import inspect
from typing import Any, ClassVar


def gettext_noop(sentence: str) -> str:
    """Mark a sentence for translation, as Django's function does. Readers run without Django."""
    return sentence


class TaskError(Exception):
    """Something went wrong on our side. The details are in the server's log."""

    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str = "", **params: Any) -> None:
        self.message = message or inspect.cleandoc(type(self).__doc__ or "").format(**params)
        super().__init__(self.message)


class StepError(TaskError):
    """Something went wrong on our side. The details are in the server's log."""

    # A permanent error fails the task at once; any other backs off and tries again.
    permanent: ClassVar[bool] = True


class TransientStepError(StepError):
    """A service we depend on did not answer. We try again by ourselves."""

    code = "temporarily_unavailable"
    permanent = False
    # After so many, or TASK_MAX_FAILURES if that is less, the task fails. None: TASK_MAX_FAILURES.
    max_failures: ClassVar[int | None] = None

    def __init__(
        self, message: str = "", *, retry_after: float | None = None, **params: Any
    ) -> None:
        super().__init__(message, **params)
        self.retry_after = retry_after  # seconds, if the other side named a time


class DatabaseAway(TransientStepError):
    """The database was away for a moment. We try again."""


class StorageAway(TransientStepError):
    """The storage did not answer. We try again."""


class WorkerLost(TransientStepError):
    """The worker stopped in the middle of this step, {tries} times."""

    code = "worker_lost"


class StepTimeout(TransientStepError):
    """This step took too long, {tries} times, and was stopped."""

    code = "step_timeout"


class StorageFull(TransientStepError):
    """The storage is full. This continues by itself as soon as there is space."""

    code = "storage_full"


class SubjectGone(StepError):
    """What this task works on no longer exists. Start a new one."""

    code = "subject_gone"


class OutOfMemory(StepError):
    """This document needs more memory than the worker has."""

    code = "out_of_memory"


class StepPaused(Exception):
    """The step keeps what it has and wants to continue after `seconds`; this uses up no try.

    It continues earlier if what it `waits_for` (tasks/waits.py) is there.
    """

    def __init__(
        self,
        seconds: float = 0,
        reason: str = "",
        *,
        code: str = "",
        waits_for: str = "",
        progressed: bool = False,
    ) -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.reason = reason
        self.code = code  # for programs, beside the reason
        self.waits_for = waits_for
        self.progressed = progressed  # if so, earlier failures no longer count


class Fenced(Exception):
    """This worker no longer owns the step (cancelled, deleted or taken over): stop quietly."""


class WrongState(TaskError):
    """The task is {status}; that can't be done now."""

    code = "wrong_state"


def is_storage_full(error: BaseException) -> bool:
    """Whether a disk, a quota or Postgres' volume (SQLSTATE 53100) is full."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return getattr(error.__cause__, "sqlstate", None) == "53100"
