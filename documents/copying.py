"""COPY, the fastest way to write rows to Postgres, with Django's errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg import Copy


@contextmanager
def copying(statement: str) -> Iterator[Copy]:
    """Write rows by a `COPY … FROM STDIN` on Django's connection.

    Raises Django's database errors, which Django does not do for `copy` itself: the runner knows a
    lost connection and a full disk, which are transient, only by those.
    """
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as rows,
    ):
        yield rows
