"""Reindexes passages whose words were made by the rules of an earlier version.

This runs in the background. Until it is done, searches find such passages by the words that the
rules did not change.
"""

import time
from itertools import repeat
from uuid import UUID

from django.db import OperationalError, transaction
from psycopg.errors import LockNotAvailable

from documents.models import Chunk, Document
from documents.steps.embed import embedded_text
from documents.weights import indexed
from documents.words import RULES
from tasks import rows

AT_ONCE = 500  # documents
BATCH = 200  # chunks, whose rows are held for some 100 ms
_WRITE = f"""
    UPDATE {Chunk._meta.db_table} chunk
    SET words = anew.words::tsvector, weights = anew.weights::sparsevec
    FROM unnest(%(ids)s::uuid[], %(words)s::text[], %(weights)s::text[]) anew (id, words, weights)
    WHERE chunk.id = anew.id AND (
        chunk.words <> anew.words::tsvector OR chunk.weights <> anew.weights::sparsevec
    )
"""  # noqa: S608 - a name of our own


def reindex(*, seconds: float) -> int:
    """Reindex outdated documents for so many seconds; how many were done."""
    ends_at, done = time.monotonic() + seconds, 0
    outdated = Document.objects.filter(word_rules__lt=RULES, chunk_count__gt=0)
    for document in outdated.only("language", "name", "extraction").order_by("created_at")[
        :AT_ONCE
    ]:
        if time.monotonic() > ends_at:
            break
        done += _reindex_unless_held(document)
    return done


def _reindex_unless_held(document: Document) -> int:
    try:
        return _reindex(document)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):  # its chunks are being stored or deleted
            return 0
        raise


def _reindex(document: Document) -> int:
    """1, or 0 if its chunks were replaced meanwhile."""
    after: UUID | None = UUID(int=0)
    while after:
        after = _write_batch(document, after)
    same = Document.objects.filter(pk=document.pk, extraction=document.extraction_id)
    return same.update(word_rules=RULES)


@transaction.atomic
def _write_batch(document: Document, after: UUID) -> UUID | None:
    """Write the words of the next chunks; returns the last one's id, None when there are no more.

    Raises OperationalError at once if one of them is locked.
    """
    chunks = Chunk.objects.filter(document=document, pk__gt=after).order_by("pk")
    free = chunks.select_for_update(nowait=True, no_key=True)
    batch = list(free.values_list("pk", "context", "text")[:BATCH])
    if not batch:
        return None
    ids, contexts, texts = map(list, zip(*batch, strict=True))
    same = repeat(document.language), repeat(document.name)
    found = map(indexed, map(embedded_text, contexts, texts), *same)
    words, weights = map(list, zip(*found, strict=True))
    rows.change_many(_WRITE, {"ids": ids, "words": words, "weights": weights})
    return batch[-1][0]
