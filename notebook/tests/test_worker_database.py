"""Workers keep their connections between tasks."""

import psycopg
import pytest

pytestmark = pytest.mark.live


def backends(stack):
    """The processes of Postgres that serve this stack."""
    with psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True) as db:
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'notebook'"
        return {pid for (pid,) in db.execute(query + " AND datname = current_database()")}


def process(stack, client, name):
    document = stack.upload(client, name, f"The note {name} tells of connections.".encode())
    assert stack.until_done(client, document["id"])["status"] == "AVAILABLE"


def test_a_document_needs_no_new_connection_of_each_step(live_stack):
    with live_stack.client() as client:
        for number in range(3):  # each worker has worked
            process(live_stack, client, f"warm-{number}.txt")
        before = backends(live_stack)
        process(live_stack, client, "one-more.txt")
    assert len(backends(live_stack) - before) <= 2
