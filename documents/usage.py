"""Usage per owner and day, counted in the transaction that uses it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db.models import Sum

from documents.models import Document, Usage
from tasks import rows

COUNTS = ("documents", "chunks", "tokens", "requests")
_NOTHING: dict[str, Any] = dict.fromkeys(COUNTS, 0)
# The day by Postgres' clock, in UTC, so that all workers agree.
_TODAY = "(statement_timestamp() AT TIME ZONE 'UTC')::date"
_ADD = f"""
    INSERT INTO {Usage._meta.db_table} (owner_id, day, documents, chunks, tokens, requests)
    {{owner}}
    ON CONFLICT (owner_id, day) DO UPDATE SET
        documents = {Usage._meta.db_table}.documents + excluded.documents,
        chunks = {Usage._meta.db_table}.chunks + excluded.chunks,
        tokens = {Usage._meta.db_table}.tokens + excluded.tokens,
        requests = {Usage._meta.db_table}.requests + excluded.requests
"""
_VALUES = f"{_TODAY}, %(documents)s, %(chunks)s, %(tokens)s, %(requests)s"
_OF_OWNER = f"SELECT %(owner)s, {_VALUES}"
_OF_DOCUMENT = f"""
    SELECT owner_id, {_VALUES} FROM {Document._meta.db_table} WHERE id = %(document)s
"""  # noqa: S608
# The document's owner, and the seconds until the day ends, if today's tokens are used up.
_OVER_BUDGET = f"""
    SELECT owner_id, extract(epoch FROM (({_TODAY} + 1)::timestamp AT TIME ZONE 'UTC')
        - statement_timestamp())::float
    FROM {Document._meta.db_table} document JOIN {Usage._meta.db_table} USING (owner_id)
    WHERE document.id = %(document)s AND day = {_TODAY} AND tokens >= %(budget)s
"""  # noqa: S608
_HAS_TOKENS = f"""
    SELECT NOT EXISTS (
        SELECT FROM {Usage._meta.db_table}
        WHERE owner_id = %(owner)s AND day = {_TODAY} AND tokens >= %(budget)s
    )
"""  # noqa: S608


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one owner used; `days` omits days without any use."""

    today: Usage
    total: dict[str, int]
    days: list[Usage]

    @property
    def budget(self) -> dict[str, Any] | None:
        """The daily token budget and what is left of it; None if there is no limit."""
        tokens = settings.EMBEDDING_DAILY_TOKENS
        if not tokens:
            return None
        left, tomorrow = max(0, tokens - self.today.tokens), self.today.day + timedelta(days=1)
        resets_at = datetime.combine(tomorrow, time.min, tzinfo=UTC)
        return {"tokens": tokens, "left": left, "resets_at": resets_at}


def add(owner_id: int, **counts: int) -> None:
    """Add to an owner's usage of today: `documents`, `chunks`, `tokens`, `requests`."""
    rows.change(_ADD.format(owner=_OF_OWNER), _NOTHING | counts | {"owner": owner_id})


def add_for(document_id: UUID, **counts: int) -> None:
    """The same for the owner of a document; does nothing if it was deleted."""
    values = _NOTHING | counts | {"document": document_id}
    rows.change(_ADD.format(owner=_OF_DOCUMENT), values)


class OverBudget(NamedTuple):
    owner_id: int
    seconds: float  # until the day ends


def over_budget(document_id: UUID) -> OverBudget | None:
    """None if the document's owner has tokens left today."""
    budget = settings.EMBEDDING_DAILY_TOKENS
    row = budget and rows.row(_OVER_BUDGET, {"document": document_id, "budget": budget})
    return OverBudget(*row) if row else None


def has_tokens(owner_id: int) -> bool:
    """Whether this owner has tokens left today."""
    budget = settings.EMBEDDING_DAILY_TOKENS
    return not budget or bool(rows.row(_HAS_TOKENS, {"owner": owner_id, "budget": budget})[0])


def report(owner_id: int, first: date, last: date) -> Report:
    """An owner's usage from the `first` to the `last` day, inclusive; newest first."""
    days = Usage.objects.filter(owner_id=owner_id, day__range=(first, last)).order_by("-day")
    total = days.aggregate(**{name: Sum(name, default=0) for name in COUNTS})
    today = Usage.objects.filter(owner_id=owner_id, day=utc_today()).first()
    return Report(today=today or Usage(day=utc_today()), total=total, days=list(days))


def utc_today() -> date:
    """Today in UTC, by this machine's clock."""
    return datetime.now(UTC).date()
