"""Signal receivers: `task_changed` leads to pushes, Celery's signals to the end of a lease."""

from typing import Any
from uuid import UUID

from celery.signals import task_failure, task_revoked, task_unknown

from tasks import events, outbox, pipelines, services
from tasks.signals import task_changed

task_changed.connect(events.push_task, dispatch_uid="push_task")


@task_failure.connect
@task_revoked.connect
def free_the_step(sender: Any, task_id: str = "", request: Any = None, **_: Any) -> None:
    """Celery lost the worker, hit the hard time limit or refused the message."""
    if sender.name in _names():
        services.give_up_on_worker(UUID(task_id or request.id))  # its task is our message


@task_unknown.connect
def park_the_step(message: Any = None, **_: Any) -> None:
    """A newer version sent this message, and this worker discarded it."""
    task_id, attempt = message.payload[0][:2]
    outbox.park(UUID(task_id), attempt)
    outbox.send_after_commit()


def _names() -> set[str]:
    every = pipelines.every()
    steps = {step.celery_name for found in every for step in found.steps}
    return steps | {found.celery_name for found in every}
