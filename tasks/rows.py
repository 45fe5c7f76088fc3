"""SQL of our own, for what every step of every document does: the ORM takes four times as long."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model

Row = TypeVar("Row", bound=Model)


def change(statement: str, values: Mapping[str, Any]) -> int:
    """Run a statement; how many rows it is about."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def value(statement: str, values: Mapping[str, Any] | None = None) -> Any:
    """The first value that a statement gives, which gives at least one row."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values or {})
        return cursor.fetchone()[0]


def columns(model: type[Model]) -> str:
    """What a statement must select or return for `first`."""
    return ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)


def first(model: type[Row], statement: str, values: Mapping[str, Any]) -> Row | None:
    """The first row that the statement gives, which is of the model's `columns`."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    if row is None:
        return None
    names, readers = _fields(model)
    pairs = zip(readers, row, strict=True)
    read = [by(value, None, connection) if by else value for by, value in pairs]
    return model.from_db(connection.alias, names, read)


@cache
def _fields(model: type[Model]) -> tuple[list[str], list[Any]]:
    """Their names, and what makes their values of the database's where that is needed."""
    fields = model._meta.concrete_fields
    return [f.attname for f in fields], [getattr(f, "from_db_value", None) for f in fields]
