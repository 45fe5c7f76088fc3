"""Which chunks a search covers: the owner's, narrowed by filters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from unicodedata import normalize
from uuid import UUID

from documents.models import Chunk


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Filters are combined with AND, the items of one list with OR; None does not filter."""

    owner_id: int
    documents: Sequence[UUID] | None = None
    name: str | None = None  # a part of it, case-insensitive
    types: Sequence[str] | None = None  # content types, case-insensitive; "image/": every image
    languages: Sequence[str] | None = None  # ISO 639-1, case-insensitive
    created_after: datetime | None = None  # inclusive
    created_before: datetime | None = None  # exclusive
    page_from: int | None = None
    page_to: int | None = None  # inclusive

    @property
    def of_documents(self) -> str:
        """The conditions on documents, for SQL."""
        return " AND ".join([_OWNER, "chunk_count > 0", *self._of_some])

    @property
    def is_narrowed(self) -> bool:
        """Whether a filter excludes documents."""
        return bool(self._of_some)

    @property
    def of_chunks(self) -> str:
        """The conditions on chunks, for SQL."""
        return " AND ".join([_OWNER, *self._narrowed, *self._of_pages])

    @property
    def of_vectors(self) -> str:
        """The conditions on vectors, whose rows have no pages."""
        pages = [_WITH_PAGES.format(" AND ".join([_OWNER, *self._of_pages]))]
        return " AND ".join([_OWNER, *self._narrowed, *(pages if self._of_pages else [])])

    @property
    def _of_some(self) -> list[str]:
        return [condition for name, condition in _DOCUMENT.items() if self._given(name)]

    @property
    def _narrowed(self) -> list[str]:
        return [_IN_DOCUMENTS] if self.is_narrowed else []

    @property
    def _of_pages(self) -> list[str]:
        return [condition for name, condition in _CHUNK.items() if self._given(name)]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of the conditions."""
        given = {name: getattr(self, name) for name in (*_DOCUMENT, *_CHUNK) if self._given(name)}
        if self.documents is not None:
            given["documents"] = list(self.documents)
        if self.languages is not None:
            given["languages"] = [language.lower() for language in self.languages]
        if self.types is not None:
            given["types"] = [_pattern(kind.lower()) for kind in self.types]
        if self.name is not None:
            given["name"] = f"%{_literally(normalize('NFC', self.name))}%"  # as names are kept
        return {"owner": self.owner_id, **given}

    def _given(self, name: str) -> bool:
        return getattr(self, name) is not None


_OWNER = "owner_id = %(owner)s"
_WITH_PAGES = f"chunk_id IN (SELECT id FROM {Chunk._meta.db_table} WHERE {{}})"  # noqa: S608
_IN_DOCUMENTS = "document_id = ANY (ARRAY(SELECT id FROM among))"
_DOCUMENT = {
    "documents": "id = ANY (%(documents)s::uuid[])",
    "name": "name ILIKE %(name)s",
    "types": "content_type LIKE ANY (%(types)s)",
    "languages": "language = ANY (%(languages)s)",
    "created_after": "created_at >= %(created_after)s",
    "created_before": "created_at < %(created_before)s",
}
_CHUNK = {
    "page_from": "coalesce(page_end, page_start) >= %(page_from)s",
    "page_to": "page_start <= %(page_to)s",
}


def _pattern(kind: str) -> str:
    return _literally(kind) + ("%" if kind.endswith("/") else "")


def _literally(text: str) -> str:
    """Escaped for LIKE."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
