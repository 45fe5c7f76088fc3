"""SQL of our own, for what every step of every document does: the ORM takes four times as long."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Self, TypeVar

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from psycopg import Cursor, OperationalError
from psycopg.errors import FeatureNotSupported

Row = TypeVar("Row", bound=Model)


class _Planned(Cursor[Any]):
    """Postgres plans its statements once for a connection, where those are pooled.

    To plan what is about a few rows, by their keys, takes longer than to run it.
    """

    def execute(self, *args: Any, **options: Any) -> Self:
        try:
            return super().execute(*args, **options)
        except FeatureNotSupported as error:  # a column has another type since: an upgrade
            if not connection.in_atomic_block:  # whose end has them forgotten anyway
                connection.close()
            raise OperationalError("planned before the table was changed") from error


def _planned() -> CursorWrapper:
    cursor = connection.cursor()
    cursor.cursor = _Planned(connection.connection)
    return cursor


def change(statement: str, values: Mapping[str, Any]) -> int:
    """Run a statement about a few rows; how many it is about."""
    with _planned() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def change_many(statement: str, values: Mapping[str, Any]) -> int:
    """The same for any number of rows: it is planned anew for how many there are now."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def row(statement: str, values: Mapping[str, Any]) -> Any:
    """The first row that a statement gives, a tuple; None: it gives none."""
    with _planned() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


def every(statement: str, values: Mapping[str, Any]) -> list[Any]:
    """All rows that a statement gives: few, tuples."""
    with _planned() as cursor:
        cursor.execute(statement, values)
        found: list[Any] = cursor.fetchall()
        return found


def columns(model: type[Model]) -> str:
    """What a statement must select or return for `first`."""
    return ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)


def first(model: type[Row], statement: str, values: Mapping[str, Any]) -> Row | None:
    """The first row that the statement gives, which is of the model's `columns`."""
    found = row(statement, values)
    if found is None:
        return None
    names, readers = _fields(model)
    pairs = zip(readers, found, strict=True)
    read = [by(value, None, connection) if by else value for by, value in pairs]
    return model.from_db(connection.alias, names, read)


@cache
def _fields(model: type[Model]) -> tuple[list[str], list[Any]]:
    """Their names, and what makes their values of the database's where that is needed."""
    fields = model._meta.concrete_fields
    return [f.attname for f in fields], [getattr(f, "from_db_value", None) for f in fields]
