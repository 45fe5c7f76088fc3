"""Celery tasks, thin as views: one per pipeline, which starts a task, and one per step.

Unknown keyword arguments are ignored: a newer version may send them.
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
    """The worker and the id of a message; {} if the task was called like a function."""
    if not request.id:
        return {}
    return {"worker": request.hostname, "message_id": UUID(request.id)}


for _pipeline in pipelines.every():
    _dispatcher(_pipeline)
    for _each in _pipeline.steps:
        _step(_each)
