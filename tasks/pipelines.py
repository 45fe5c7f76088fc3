"""Pipelines: named steps in order. Apps register theirs; tasks only runs them.

A step is a function from a `StepRun` to a `StepResult`. It computes outside any transaction;
`StepResult.save` writes its output, in the transaction that marks the step as done.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from django.utils.functional import Promise


class StepRun(Protocol):
    """What a running step may use."""

    @property
    def task_id(self) -> UUID: ...

    @property
    def subject_id(self) -> UUID: ...

    @property
    def options(self) -> dict[str, Any]:
        """The settings stored with the task when it was started."""

    @property
    def details(self) -> dict[str, Any]:
        """What this step reported, in earlier turns too."""

    def report(self, done: int, total: int, **details: Any) -> None:
        """Report progress; cheap to call often. Raises `Fenced` when the step is no longer ours."""

    def stopped(self) -> bool:
        """Whether the step was cancelled, deleted or taken over."""

    def seconds_left(self) -> float:
        """Seconds left of this turn; a long step raises `StepPaused` when there are none."""


@dataclass(frozen=True, kw_only=True)
class StepResult:
    details: dict[str, Any] = field(default_factory=dict)  # shown on the TaskDetail; JSON values
    save: Callable[[], object] = lambda: None


@dataclass(frozen=True)
class Step:
    type: str
    label: str | Promise
    celery_name: str
    run: Callable[[StepRun], StepResult]
    weight: int  # its share of the task's progress


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    name: str
    celery_name: str  # the Celery task that dispatches the first unfinished step
    steps: tuple[Step, ...]
    # Called in the transaction that ends or restarts a task: (subject, status, code, message).
    settle: Callable[[UUID, str, str | None, str | None], None]

    def step(self, step_type: str) -> Step:
        return self.steps[self.index(step_type)]

    def index(self, step_type: str) -> int:
        return [step.type for step in self.steps].index(step_type)

    def progress(self, step_type: str, percent: float) -> int:
        """The task's progress in percent if `step_type` is at `percent` and those before done."""
        at = self.index(step_type)
        done = sum(step.weight for step in self.steps[:at]) * 100 + self.steps[at].weight * percent
        return int(done / sum(step.weight for step in self.steps))


_registry: dict[str, Pipeline] = {}


def register(pipeline: Pipeline) -> None:
    _registry[pipeline.name] = pipeline


def get(name: str) -> Pipeline:
    return _registry[name]


def every() -> tuple[Pipeline, ...]:
    return tuple(_registry.values())


def label(pipeline: str, step_type: str) -> str:
    """The step's name in the active language; its type if only a newer version knows the step."""
    try:
        return str(_registry[pipeline].step(step_type).label)
    except (LookupError, ValueError):
        return step_type
