"""A step that finds the storage full waits, for as long as it takes, and goes on."""

import errno

import pytest
from django.db import connection, transaction

from tasks.models import OutboxMessage, TaskDetail
from tasks.tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def script(monkeypatch, settings):
    factories.send_nothing(monkeypatch)
    settings.TASK_HEARTBEAT_SECONDS = 3600  # another connection sees nothing of this transaction
    script = factories.Script()
    factories.register(script)
    return script


def full_disk(_run):
    raise OSError(errno.ENOSPC, "No space left on device")


def used_up_quota(_run):
    raise OSError(errno.EDQUOT, "Disk quota exceeded")


def full_postgres(_run):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END $$")


@pytest.mark.parametrize("step", [full_disk, used_up_quota, full_postgres])
def test_it_waits_without_using_up_its_tries_and_goes_on(user, script, settings, step):
    settings.TASK_MAX_FAILURES = 2
    script.steps["ONE"] = step
    task = factories.make_task(user)
    for _ in range(4):
        factories.run_all(task)
        one = TaskDetail.objects.get(task=task, step_type="ONE")
        assert (task.status, one.status, one.failures) == ("RUNNING", "PENDING", 0)
        assert one.error_code == "storage_full"
        assert "storage is full" in one.error_message
        OutboxMessage.objects.update(due_at="2000-01-01T00:00:00Z")
    script.steps.clear()
    factories.run_all(task)
    assert (task.status, task.error_message) == ("COMPLETED", None)
