"""An invariant: a function that finds the rows that break it, and one that repairs them if safe."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

SHOWN = 10  # ids per violation

Ids = Sequence[Any]


@dataclass(frozen=True, kw_only=True)
class Violation:
    """Rows that break an invariant."""

    name: str
    sentence: str
    count: int
    ids: list[str]  # the first ten: of tasks, of documents, or paths of files
    fixable: bool


@dataclass(frozen=True, kw_only=True)
class Invariant:
    """`find` returns the ids of all rows that break it; `fix` repairs those, and counts them."""

    name: str  # its number and subject
    sentence: str  # what is wrong, and what to do if there is no `fix`
    find: Callable[[], Ids]
    fix: Callable[[Ids], int] | None = None

    def look(self) -> Violation | None:
        found = self.find()
        if not found:
            return None
        return Violation(
            name=self.name,
            sentence=self.sentence,
            count=len(found),
            ids=[str(each) for each in found[:SHOWN]],
            fixable=self.fix is not None,
        )

    def mend(self) -> int:
        """Repair what is safe; the number of rows. Not in a transaction: each row has its own."""
        return self.fix(found) if self.fix and (found := self.find()) else 0


def each(mend: Callable[[Any], object]) -> Callable[[Ids], int]:
    """A `fix` that calls `mend` with one id after the other; it returns whether it did anything."""
    return lambda ids: sum(bool(mend(pk)) for pk in ids)


def violations(invariants: Iterable[Invariant]) -> list[Violation]:
    """All violations."""
    return [found for each in invariants if (found := each.look())]


def rows(query: str, **params: Any) -> Callable[[], list[Any]]:
    """A `find` that returns the first column of `query`."""

    def find() -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(query, params or None)
            return [row[0] for row in cursor.fetchall()]

    return find
