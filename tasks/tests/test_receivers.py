"""What Celery says of a message ends the lease of what it runs, and of nothing else."""

import uuid

import pytest
from celery import current_app
from celery.exceptions import WorkerLostError
from celery.signals import task_failure, task_revoked
from celery.worker.request import Context
from django.db.models.functions import Now

from tasks import pipelines, services, tasks
from tasks.models import TaskDetail
from tasks.pipelines import StepResult
from tasks.tests.factories import make_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def celery_task(script):
    made = tasks._dispatcher(pipelines.get("test"))
    yield made
    current_app.tasks.unregister(made.name)


@pytest.fixture
def step(script, user):
    task = make_task(user)
    return services.dispatch(task.pk, 1, worker="w", message_id=uuid.uuid4())


def is_given_up_on(step):
    return TaskDetail.objects.filter(task=step.task, lease_expires_at__lte=Now()).exists()


def fail(celery_task, message_id):
    task_failure.send(celery_task, task_id=str(message_id), exception=WorkerLostError(), args=[])


def test_a_worker_that_was_lost_is_given_up_on(celery_task, step):
    fail(celery_task, step.message_id)
    assert is_given_up_on(step)


def test_so_is_one_whose_message_was_revoked(celery_task, step):
    task_revoked.send(celery_task, request=Context(id=str(step.message_id)), terminated=True)
    assert is_given_up_on(step)


def test_so_is_one_that_was_lost_in_a_later_step_of_its_turn(celery_task, step):
    later = services.complete(step, StepResult(), go_on=True)
    assert later.step_type == "TWO"
    fail(celery_task, step.message_id)
    assert is_given_up_on(later)


def test_a_worker_that_took_up_the_next_step_is_not_taken_for_the_lost_one(celery_task, step):
    services.complete(step, StepResult())
    next_one = services.claim(step.task_id, "TWO", 1, worker="w", message_id=uuid.uuid4())
    fail(celery_task, step.message_id)
    assert not is_given_up_on(next_one)


def test_another_task_that_failed_is_none_of_our_business(celery_task, step):
    stranger = current_app.tasks["celery.backend_cleanup"]
    fail(stranger, "a name of its own, as Celery allows")
    assert not is_given_up_on(step)


def test_a_step_knows_its_message(celery_task, script, user):
    task, message_id = make_task(user), uuid.uuid4()
    celery_task.apply(args=[str(task.pk), 1], task_id=str(message_id)).get()
    assert script.runs[0] == "ONE"
    assert task.task_details.get(step_type="ONE").message_id == message_id
