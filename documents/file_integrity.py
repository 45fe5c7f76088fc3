"""The invariants of documents' files."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage

from documents.models import Document
from documents.services import ORPHANED_AFTER, orphaned_files, remove_orphaned_files
from tasks.invariants import Ids, Invariant

Stored = tuple[str, int, str]  # what the row says: name, bytes, SHA-256


def _broken(is_broken: Callable[[Stored], bool]) -> list[UUID]:
    """Documents whose file fails this check."""
    stored = Document.objects.order_by().values_list("pk", "file", "size", "sha256")
    found = [pk for pk, *row in stored.iterator(chunk_size=2000) if is_broken((*row,))]
    # Without those deleted meanwhile, which have no file either.
    return list(Document.objects.filter(pk__in=found).values_list("pk", flat=True))


def _is_missing(stored: Stored) -> bool:
    return not default_storage.exists(stored[0])


def _is_resized(stored: Stored) -> bool:
    try:
        return bool(default_storage.size(stored[0]) != stored[1])
    except FileNotFoundError:
        return False


def _is_changed(stored: Stored) -> bool:
    try:
        with default_storage.open(stored[0]) as file:
            digest: Any = hashlib.file_digest(file, "sha256")
    except FileNotFoundError:
        return False
    return bool(digest.hexdigest() != stored[2])


def _orphans() -> list[Path]:
    """Only what housekeeping should have removed long ago."""
    found = orphaned_files(older_than=2 * ORPHANED_AFTER)
    return [path.relative_to(settings.MEDIA_ROOT) for path in found]


def _remove_orphans(_paths: Ids) -> int:
    return remove_orphaned_files()


_RESTORE = "Restore it from the backup, or upload the same file again."
INVARIANTS = (
    Invariant(
        name="I5 file", find=lambda: _broken(_is_missing),
        sentence=f"A document's file is missing. {_RESTORE}",
    ),
    Invariant(
        name="I5 size", find=lambda: _broken(_is_resized),
        sentence=f"A document's file has another size than when it was uploaded. {_RESTORE}",
    ),
    Invariant(
        name="I5 orphan", find=_orphans, fix=_remove_orphans,
        sentence="A crash left a file that no document names, and housekeeping did not remove it."
        " Is beat running?",
    ),
)  # fmt: skip
DEEP = (
    Invariant(
        name="I5 checksum", find=lambda: _broken(_is_changed),
        sentence=f"A document's file is not the one that was uploaded. {_RESTORE}",
    ),
)  # fmt: skip
