"""Raw SQL, for what every step of every document does: the ORM takes four times as long."""

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
    """Its statements are planned once per pooled connection.

    Planning a statement about a few rows, by their keys, takes longer than running it.
    """

    def execute(self, *args: Any, **options: Any) -> Self:
        try:
            return super().execute(*args, **options)
        except FeatureNotSupported as error:  # an upgrade has changed a column's type
            if not connection.in_atomic_block:  # a transaction's end drops the plans anyway
                connection.close()
            raise OperationalError("planned before the table was changed") from error


def _planned() -> CursorWrapper:
    cursor = connection.cursor()
    cursor.cursor = _Planned(connection.connection)
    return cursor


def change(statement: str, values: Mapping[str, Any]) -> int:
    """Run a statement about a few rows; the number of rows affected."""
    with _planned() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def change_many(statement: str, values: Mapping[str, Any]) -> int:
    """The same for any number of rows, which the best plan depends on: planned each time."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def row(statement: str, values: Mapping[str, Any]) -> Any:
    """The first row of a statement's result, a tuple; None if there is none."""
    with _planned() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()


def every(statement: str, values: Mapping[str, Any]) -> list[Any]:
    """All rows of a statement's result, which should be few: tuples."""
    with _planned() as cursor:
        cursor.execute(statement, values)
        found: list[Any] = cursor.fetchall()
        return found


def columns(model: type[Model]) -> str:
    """The columns that a statement must return for `first`."""
    return ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)


def first(model: type[Row], statement: str, values: Mapping[str, Any]) -> Row | None:
    """The first row of a statement that returns the model's `columns`, as an instance."""
    found = row(statement, values)
    if found is None:
        return None
    names, readers = _fields(model)
    pairs = zip(readers, found, strict=True)
    read = [by(value, None, connection) if by else value for by, value in pairs]
    return model.from_db(connection.alias, names, read)


@cache
def _fields(model: type[Model]) -> tuple[list[str], list[Any]]:
    """The fields' names, and their converters from database values, None where not needed."""
    fields = model._meta.concrete_fields
    return [f.attname for f in fields], [getattr(f, "from_db_value", None) for f in fields]
