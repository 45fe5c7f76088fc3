"""Celery tasks, thin as views: one per pipeline that begins a task, one per step that goes on.

Each ignores keyword arguments that it does not know: a newer version may send them.
"""

from typing import Any
from uuid import UUID

from celery import Task as CeleryTask
from celery import shared_task

from tasks import pipelines, runner


def _dispatcher(pipeline: pipelines.Pipeline) -> "CeleryTask[..., None]":
    @shared_task(name=pipeline.celery_name, bind=True)
    def dispatch(message: Any, /, task_id: str, attempt: int, **_: Any) -> None:
        runner.run_task(UUID(task_id), attempt, **_of(message.request))

    return dispatch


def _step(step: pipelines.Step) -> "CeleryTask[..., None]":
    @shared_task(name=step.celery_name, bind=True)
    def run(message: Any, /, task_id: str, attempt: int, **_: Any) -> None:
        runner.run_step(UUID(task_id), step.type, attempt, **_of(message.request))

    return run


def _of(request: Any) -> dict[str, Any]:
    """What a message says of itself; called like a function, there is none."""
    if not request.id:
        return {}
    return {"worker": request.hostname, "message_id": UUID(request.id)}


for _pipeline in pipelines.every():
    _dispatcher(_pipeline)
    for _each in _pipeline.steps:
        _step(_each)
