"""Tasks of a pipeline of three steps that do what a test tells them."""

import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from celery import Celery, current_app
from django.apps import apps
from django.db import connection
from django.db.models.functions import Now

from tasks import outbox, pipelines, services, workers
from tasks.models import OutboxMessage, Status, Task, TaskDetail
from tasks.pipelines import Pipeline, Step, StepResult, StepRun

Behaviour = Callable[[StepRun], StepResult]


class Script:
    """What the steps do, by type, and which ran."""

    def __init__(self) -> None:
        self.steps: dict[str, Behaviour] = {}
        self.runs: list[str] = []

    def run(self, step_type: str) -> Behaviour:
        def step(run: StepRun) -> StepResult:
            self.runs.append(step_type)
            return self.steps.get(step_type, lambda _run: StepResult())(run)

        return step


def raising(error: BaseException) -> Behaviour:
    def step(_run):
        raise error

    return step


def register(script: Script) -> None:
    """Documents follow these tasks as they follow real ones."""
    steps = tuple(
        Step(
            type=name,
            label=name.title(),
            celery_name=f"test_{name}",
            run=script.run(name),
            weight=w,
        )
        for name, w in (("ONE", 20), ("TWO", 60), ("THREE", 20))
    )
    settle = pipelines.get("document").settle
    pipelines.register(Pipeline(name="test", celery_name="test_start", steps=steps, settle=settle))


class _Nobody:
    def submit(self, *_: object) -> None:
        """Leave the message in its row."""


def send_nothing(monkeypatch) -> None:
    """Nothing is published after a commit: the test itself delivers, when it wants to."""
    monkeypatch.setattr(outbox, "_sender", _Nobody())


def broker_away(monkeypatch) -> None:
    """The broker's port is closed."""
    closed = Celery("away", broker="redis://127.0.0.1:1/0", set_as_current=False)
    for name in ("task_default_queue", "broker_transport_options", "task_publish_retry"):
        closed.conf[name] = current_app.conf[name]
    for module in (outbox, workers):
        monkeypatch.setattr(module, "current_app", closed)


def make_document(owner):
    """A document's row, as far as tasks know it: their subject."""
    pk = uuid.uuid4()
    return apps.get_model("documents", "Document").objects.create(
        id=pk, owner=owner, name="a.txt", file=f"none/{pk}", content_type="text/plain",
        size=1, sha256=pk.hex * 2,
    )  # fmt: skip


def make_task(owner, document=None) -> Task:
    document_id = document and document.pk
    return services.start(pipeline="test", owner_id=owner.pk, document_id=document_id, options={})


_FILL = """
    WITH filled AS (
        INSERT INTO tasks_task (
            id, pipeline, owner_id, options, lane, effort, status, progress, attempt, seq
        ) SELECT gen_random_uuid(), 'test', %(owner)s, '{}', 'QUICK', 0, 'PENDING', 0, 1, 1
        FROM generate_series(1, 3000) RETURNING id
    )
    INSERT INTO tasks_outboxmessage (
        task_id, step_type, attempt, owner_id, lane, turn_at, due_at, problem
    ) SELECT id, '', 1, %(owner)s, 'QUICK', now(), now() + %(wait)s, '' FROM filled
"""


def fill_queue(owner, wait=timedelta(0)) -> None:
    """3,000 tasks that wait, and statistics of the tables as autovacuum would make them."""
    with connection.cursor() as cursor:
        cursor.execute(_FILL, {"owner": owner.pk, "wait": wait})
        cursor.execute("ANALYZE tasks_outboxmessage, tasks_task")


def run_all(task: Task) -> None:
    """Do what workers would do until nothing is due."""
    from tasks import runner

    while message := OutboxMessage.objects.filter(task=task, due_at__lte=Now()).first():
        if message.step_type:
            runner.run_step(task.pk, message.step_type, message.attempt)
        else:
            runner.run_task(task.pk, message.attempt)
    task.refresh_from_db()


def let_leases_run_out(**which) -> None:
    """Database time is the only clock, so it is the row that is moved into the past."""
    running = TaskDetail.objects.filter(status=Status.RUNNING, **which)
    running.update(lease_expires_at=Now() - timedelta(seconds=1))


def at_once(*calls: Callable[[], object]) -> list[object]:
    """Run each call in a thread with a connection of its own, all let go at the same moment.

    What each returned or raised, in their order.
    """
    ready = threading.Barrier(len(calls), timeout=60)

    def run(call):
        try:
            connection.ensure_connection()
            ready.wait()
            return call()
        except Exception as error:  # noqa: BLE001 - it is the answer
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def waiting_in_broker() -> int:
    """How many messages lie in the broker's queue."""
    with current_app.connection_for_write() as broker:
        return broker.default_channel.queue_declare(_queue()).message_count


def lose_messages() -> None:
    """What a broker does that lost its memory."""
    with current_app.connection_for_write() as broker:
        broker.default_channel.queue_purge(_queue())


def _queue() -> str:
    return current_app.conf.task_default_queue
