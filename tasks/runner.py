"""Claims a step, runs it beside a heartbeat and finishes it. Whatever happens ends on the row.

Each message gets a turn: the step that it names, and those after it while the turn lasts.
"""

import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import structlog
from billiard.common import terminate_handler_fired  # type: ignore[attr-defined] # stubs are older
from billiard.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.models import F, QuerySet

from tasks import services
from tasks.exceptions import (
    DatabaseAway,
    Fenced,
    OutOfMemory,
    StepError,
    StepPaused,
    StepTimeout,
    StorageAway,
    StorageFull,
    TaskError,
    WorkerLost,
    is_storage_full,
)
from tasks.history import WORKER_STOPPED
from tasks.models import TaskDetail
from tasks.pipelines import StepResult

log = structlog.get_logger(__name__)
Written = TypeVar("Written")
REPORT_SECONDS = 0.2  # at most five pushes a second
BACKOFF_FIRST_SECONDS = 2
BACKOFF_LONGEST_SECONDS = 300
STORAGE_FULL_SECONDS = 30


def run_task(task_id: UUID, attempt: int, **message: Any) -> None:
    """Start a task; a duplicate or outdated message ends here quietly.

    `message` may have `message_id`, which is Celery's, and `worker`, the name that staff see; the
    default is this machine's name.
    """
    _take_turn(services.dispatch, task_id, attempt, **message)


def run_step(task_id: UUID, step_type: str, attempt: int, **message: Any) -> None:
    """Continue a task with this step, if it can be claimed. Otherwise as `run_task`."""
    _take_turn(services.claim, task_id, step_type, attempt, **message)


def _take_turn(
    claim: Callable[..., TaskDetail | None], task_id: UUID, *args: Any, **message: Any
) -> None:
    ends_at = time.monotonic() + settings.TASK_SLICE_SECONDS
    try:
        detail = claim(task_id, *args, **({"worker": socket.gethostname()} | message))
    except Fenced:
        log.info("step_not_ours", task_id=str(task_id), message=args)
        return
    while detail:
        detail = _run_or_give_back(detail, ends_at)


def _run_or_give_back(detail: TaskDetail, ends_at: float) -> TaskDetail | None:
    """Run one step. Returns the next one, claimed, if there is one and the turn is not over."""
    try:
        return _run_claimed(detail, ends_at)
    except Fenced:
        log.info("step_taken_away", task_id=str(detail.task_id), step=detail.step_type)
        # Or it was completed, but the connection broke before we knew, and we own the next one.
        _give_back(_ours(detail).exclude(pk=detail.pk), told=True)
        return None
    except (SystemExit, KeyboardInterrupt):
        _give_back(_ours(detail), told=terminate_handler_fired())
        raise


def _ours(detail: TaskDetail) -> "QuerySet[TaskDetail]":
    """The running step of this turn: this one, the one after it, or none."""
    return TaskDetail.objects.select_related("task").filter(owner=detail.owner)


def _give_back(steps: "QuerySet[TaskDetail]", *, told: bool) -> None:
    """The process ends. If it was `told` to, that is not the step's fault and uses up no try."""
    ours: list[TaskDetail] = _persist(list, steps)
    for detail in ours:
        with suppress(Fenced):  # taken away at this moment
            if told:
                _persist(services.postpone, detail, seconds=0, restart=WORKER_STOPPED)
            else:
                _persist(services.lost, detail, WorkerLost(tries=settings.TASK_MAX_LOSSES))


def _run_claimed(detail: TaskDetail, ends_at: float) -> TaskDetail | None:
    run = _Run(detail, ends_at)
    step = detail.task.steps.step(detail.step_type)
    try:
        with run.heartbeat:
            result = step.run(run)
    except (Fenced, SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - every failure ends on the row, not in Celery
        _settle(detail, error)
        return None
    return _complete(detail, result, go_on=run.seconds_left() > 0)


def _complete(detail: TaskDetail, result: StepResult, *, go_on: bool) -> TaskDetail | None:
    try:
        return _persist(services.complete, detail, result, go_on=go_on)
    except Fenced:
        raise
    except Exception as error:  # noqa: BLE001 - the database may refuse the step's output
        _settle(detail, error)
        return None


def _settle(detail: TaskDetail, error: BaseException) -> None:
    match error:
        case StepPaused():
            _pause(detail, error)
        case SoftTimeLimitExceeded():
            _persist(services.lost, detail, StepTimeout(tries=settings.TASK_MAX_LOSSES))
        case MemoryError():  # would end the whole worker if it left the task's body
            _persist(services.fail, detail, OutOfMemory())
        case _ if is_storage_full(error):
            _wait_for_room(detail)
        case _:
            _fail_or_postpone(detail, error)


def _pause(detail: TaskDetail, paused: StepPaused) -> None:
    counts: dict[str, Any] = {"failures": 0} if paused.progressed else {}
    why = {"reason": paused.reason or None, "error_code": paused.code or None}
    until = {"seconds": paused.seconds, "waits_for": paused.waits_for}
    _persist(services.postpone, detail, **until, **why, **counts, details=detail.details)


def _persist(write: Callable[..., Written], *args: Any, **values: Any) -> Written:
    """Call a service, again if Postgres is restarting: that must not cost the work already done."""
    for pause in (0.5, 2, 5, 10):
        try:
            return write(*args, **values)
        except (OperationalError, InterfaceError):
            connection.close()
            threading.Event().wait(pause)
    return write(*args, **values)


def _wait_for_room(detail: TaskDetail) -> None:
    """Uses up no try: the document is not at fault, and freeing space may take hours."""
    log.error("storage_full", task_id=str(detail.task_id), step=detail.step_type)
    full = StorageFull()
    why = {"reason": full.message, "error_code": full.code}
    _persist(services.postpone, detail, seconds=STORAGE_FULL_SECONDS, **why)


def _fail_or_postpone(detail: TaskDetail, error: BaseException) -> None:
    known = _classify(error)
    if known.permanent or detail.failures + 1 >= _most_failures(known):
        _persist(services.fail, detail, known)
    else:
        wait = getattr(known, "retry_after", None) or _backoff(detail.failures)
        why = {"reason": known.message, "error_code": known.code}
        _persist(services.postpone, detail, seconds=wait, **why, failures=F("failures") + 1)
    # Only now: a document that was deleted meanwhile leads to all kinds of errors, and to Fenced.
    log.warning(
        "step_failed",
        task_id=str(detail.task_id),
        step=detail.step_type,
        error_code=known.code,
        exc_info=None if isinstance(error, TaskError) else error,
    )


def _most_failures(error: StepError) -> int:
    own: int | None = getattr(error, "max_failures", None)
    return min(own or settings.TASK_MAX_FAILURES, settings.TASK_MAX_FAILURES)


def _classify(error: BaseException) -> StepError:
    match error:
        case StepError():
            return error
        case OperationalError() | InterfaceError():
            return DatabaseAway()
        case OSError():
            return StorageAway()
    return StepError()


def _backoff(failures: int) -> float:
    """Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"), at least a second."""
    longest = min(BACKOFF_LONGEST_SECONDS, BACKOFF_FIRST_SECONDS * 2**failures)
    return random.uniform(1, longest)  # noqa: S311 - no secret


@dataclass
class _Run:
    """The `StepRun` a step sees."""

    detail: TaskDetail
    ends_at: float  # end of the turn, time.monotonic
    heartbeat: "_Heartbeat" = field(init=False)
    _told_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.heartbeat = _Heartbeat(self.detail)
        self._told_at = time.monotonic()  # by the claim

    @property
    def task_id(self) -> UUID:
        return self.detail.task_id

    @property
    def subject_id(self) -> UUID:
        return self.detail.task.document_id  # type: ignore[return-value]

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.detail.task.options)

    @property
    def details(self) -> dict[str, Any]:
        return dict(self.detail.details)

    def report(self, done: int, total: int, **details: Any) -> None:
        if self.stopped():
            raise Fenced
        self.detail.details |= details  # a pause also keeps what was not written yet
        now = time.monotonic()
        if now - self._told_at >= REPORT_SECONDS:
            self._told_at = now
            self._tell(min(99, 100 * done // max(total, 1)), details)

    def _tell(self, percent: int, details: dict[str, Any]) -> None:
        try:
            services.report(self.detail, percent, details)
        except (OperationalError, InterfaceError):  # progress is no reason to stop working
            connection.close()

    def stopped(self) -> bool:
        return self.heartbeat.lost.is_set()

    def seconds_left(self) -> float:
        return self.ends_at - time.monotonic()


class _Heartbeat:
    """Renews the lease from its own thread while the step runs; `lost` is set if it was taken."""

    def __init__(self, detail: TaskDetail) -> None:
        self.lost = threading.Event()
        self._done = threading.Event()
        self._detail = detail
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> "_Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._done.wait(settings.TASK_HEARTBEAT_SECONDS) and not self.lost.is_set():
            self._renew()

    def _renew(self) -> None:
        try:
            if not services.heartbeat(self._detail):
                self.lost.set()
        except (DatabaseError, InterfaceError):  # it is ours until somebody takes it
            log.warning("heartbeat_missed", task_id=str(self._detail.task_id))
        finally:
            connection.close()
