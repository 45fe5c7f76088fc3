"""A Postgres that does not answer is given up, and so is the connection to it."""

import os
import socket
import time

import psycopg
import pytest
from django.db import connections

from notebook.database import ImpatientConnection

KEEPALIVES = ("idle", "interval", "count")


class InAHurry(ImpatientConnection):
    answer_seconds = 0.3


@pytest.fixture
def hurried():
    with InAHurry.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        yield connection


def test_an_answer_that_does_not_come_is_an_operational_error(hurried):
    started = time.monotonic()
    with pytest.raises(psycopg.OperationalError, match="no answer"):
        hurried.execute("SELECT pg_sleep(60)")
    assert time.monotonic() - started < 10
    assert hurried.closed  # a late answer would be taken for the next one's


def test_quick_answers_are_not_disturbed_however_many(hurried):
    for number in range(10):
        assert hurried.execute("SELECT %s::int, pg_sleep(0.05)", [number]).fetchone()[0] == number


def test_by_default_it_waits():
    with ImpatientConnection.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        assert connection.execute("SELECT 7 FROM pg_sleep(0.6)").fetchone() == (7,)


def test_a_side_that_vanished_without_a_word_is_noticed_within_half_a_minute():
    """The sweeper's lock would outlive its machine by two hours, and others wait for it."""
    params = connections["default"].get_connection_params() | {"cursor_factory": None}
    with psycopg.connect(**params) as other:
        found = [other.execute(f"SHOW tcp_keepalives_{name}").fetchone()[0] for name in KEEPALIVES]
        assert (int(found[0]) + int(found[1]) * int(found[2])) <= 30
        ours = socket.socket(fileno=os.dup(other.fileno()))
        with ours:
            options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            idle, pause, tries = (ours.getsockopt(socket.IPPROTO_TCP, name) for name in options)
        assert idle + pause * tries <= 30
