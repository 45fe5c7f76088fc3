"""COPY, the fastest way into Postgres, with Django's errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from psycopg import Copy


@contextmanager
def copying(statement: str) -> Iterator[Copy]:
    """Write rows by a `COPY … FROM STDIN` on Django's connection.

    Raises Django's database errors. Its cursors leave psycopg's own as they are here, and nobody
    would know a lost connection or a full disk, which pass, by those.
    """
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as rows,
    ):
        yield rows
