"""Statements of our own: which plans stay with a connection, and rows as the models have them."""

from contextlib import nullcontext

import pytest
from django.db import OperationalError, connection, models, transaction
from django.db.models import NOT_PROVIDED

from tasks import outbox, rows
from tasks.models import OutboxMessage, TaskDetail
from tasks.tests.factories import make_document, make_task

PLANS = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%planned_here%'"


@pytest.fixture
def cursor(transactional_db):
    """Of a connection as those of the pool are."""
    connection.ensure_connection()
    connection.connection.prepare_threshold = 1
    with connection.cursor() as cursor:
        yield cursor
    connection.close()


def plans(cursor):
    return cursor.execute(PLANS).fetchone()[0]


def test_what_runs_again_is_planned_once(cursor):
    for number in (1, 2, 3):
        assert rows.row("SELECT %(x)s::int AS planned_here", {"x": number}) == (number,)
    assert plans(cursor) == 1


def test_what_is_about_many_rows_is_planned_each_time(cursor):
    for number in (1, 2, 3):
        rows.change_many("SELECT generate_series(1, %(x)s) AS planned_here", {"x": number})
    assert plans(cursor) == 0


@pytest.fixture
def elsewhere(transactional_db):
    """Of another connection."""
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("CREATE TABLE upgraded (name varchar(5))")
        yield cursor
        cursor.execute("DROP TABLE upgraded")
    other.close()


@pytest.mark.parametrize("alone", [True, False])
def test_a_plan_that_an_upgrade_made_useless_fails_once(elsewhere, cursor, alone):
    names = "SELECT name FROM upgraded"
    assert [rows.every(names, {}) for _ in range(3)] == [[], [], []]
    elsewhere.execute("ALTER TABLE upgraded ALTER name TYPE varchar(9)")
    with pytest.raises(OperationalError), nullcontext() if alone else transaction.atomic():
        rows.every(names, {})
    assert rows.every(names, {}) == []


def defaults(model, *given):
    """What the fields of a row are that nobody said anything about."""
    fields = [field for field in model._meta.concrete_fields if field.attname not in given]
    return {
        field.attname: None if field.null and not field.has_default() else field.get_default()
        for field in fields
        if field.db_default is NOT_PROVIDED and not isinstance(field, models.AutoField)
    }


def values(row, names):
    return {name: getattr(row, name) for name in names}


@pytest.mark.django_db
@pytest.mark.usefixtures("script")
def test_a_task_and_its_steps_begin_as_the_models_say(user):
    task = make_task(user)
    task.refresh_from_db()
    given = ("id", "pipeline", "document_id", "owner_id", "options", "lane", "effort")
    expected = defaults(type(task), *given)
    assert values(task, expected) == expected
    expected = defaults(TaskDetail, "id", "task_id", "step_type", "step_order")
    steps = list(task.task_details.all())
    assert [(step.step_type, step.step_order) for step in steps] == [
        ("ONE", 1), ("TWO", 2), ("THREE", 3)
    ]  # fmt: skip
    for step in steps:
        assert values(step, expected) == expected


@pytest.mark.django_db
@pytest.mark.usefixtures("script")
def test_a_message_that_is_put_again_forgets_what_was_said_while_it_waited(user):
    task = make_task(user, make_document(user))
    said = {"position": 3, "seconds": 20, "problem": OutboxMessage.Problem.NO_WORKER}
    OutboxMessage.objects.filter(task=task).update(**said)
    outbox.put(task, "TWO")
    message = OutboxMessage.objects.get(task=task)
    expected = {"position": None, "seconds": None, "problem": "", "step_type": "TWO"}
    assert values(message, expected) == expected
    assert message.sent_at is None
