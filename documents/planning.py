"""Estimates what processing a file would produce and cost, without storing or paying anything.

The file is read and split in the sandbox, as in the pipeline, but without OCR: pages that need it
are counted, and their text is estimated.
"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from threading import Lock, Timer
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from documents import spaces
from documents.exceptions import NoTextInFile, PlannerBusy
from documents.extraction.elements import Extracted, Passage
from documents.extraction.sandbox.client import sandbox
from documents.extraction.tokens import estimate_tokens
from documents.extraction.types import PICTURES, SUPPORTED
from documents.limits import Limits
from documents.models import Chunk, ChunkVector, Document, Draft, KeptVector
from documents.pipeline import fields_of, limits, passages_of
from documents.services import Splitting, clean_name, sha256_of, splitting_options
from documents.steps.embed import digest, embedded_text, text_digest
from documents.steps.extract import holds_text
from documents.steps.validate import FileFacts, validate_file
from tasks import queue
from tasks.models import Task

SCANNED_PAGE_TOKENS = 500  # a page full of text
SCANNED_PAGE_SECONDS = 3
IDLE_SECONDS = 60  # until the reader process, some 160 MB, is ended
RECENT_TASKS = 100
# Seconds per chunk in recent tasks, from their start to their end.
_PACE = f"""
    SELECT (sum(extract(epoch FROM recent.seconds)) / sum(document.chunk_count))::float FROM (
        SELECT document_id, completed_at - started_at AS seconds FROM {Task._meta.db_table}
        WHERE status = 'COMPLETED' ORDER BY created_at DESC LIMIT {RECENT_TASKS}
    ) recent JOIN {Document._meta.db_table} document ON document.id = recent.document_id
    WHERE chunk_count > 0
"""  # noqa: S608 - names of our own, here and below
_KNOWN = f"""
    SELECT chunk.digest FROM {Chunk._meta.db_table} chunk
    JOIN {ChunkVector._meta.db_table} v ON v.chunk_id = chunk.id AND v.space_id = %(space)s
    WHERE chunk.digest = ANY (%(digests)s)
    UNION SELECT digest FROM {Draft._meta.db_table}
    WHERE digest = ANY (%(digests)s) AND embedding IS NOT NULL AND space_id = %(space)s
    UNION SELECT digest FROM {KeptVector._meta.db_table}
    WHERE digest = ANY (%(digests)s) AND space_id = %(space)s
"""  # noqa: S608


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Chunks and tokens are exact, except for pages that need OCR."""

    name: str
    content_type: str
    size: int  # bytes
    pages: int | None  # None where the format has none
    ocr_pages: int
    chunks: int
    tokens: int  # estimated, as the splitter does
    known_chunks: int  # embedded before for the same owner: not paid again
    tokens_to_pay: int
    seconds: int | None  # until it can be searched; None if there were no tasks to judge by
    document: Document | None  # the owner's document with the same bytes
    warnings: list[str]

    @property
    def cost(self) -> dict[str, str] | None:
        """At the configured price; None if none is set."""
        price = settings.EMBEDDING_PRICE_PER_MILLION_TOKENS
        if not price:
            return None
        amount = (price * self.tokens_to_pay / 1_000_000).quantize(Decimal("0.000001"))
        return {"amount": str(amount), "currency": settings.EMBEDDING_PRICE_CURRENCY}


class Scanned(NamedTuple):
    """Pages that need OCR, and what they are estimated to yield."""

    pages: int
    chunks: int
    tokens: int


def plan(*, owner_id: int, path: Path, name: str, splitting: Splitting) -> Plan:
    """What uploading the file at `path` would lead to. Stores nothing, asks no endpoint.

    Raises PlannerBusy while another plan is made, and the errors of the first three steps, with
    ReaderTimeout after PLAN_TIMEOUT_SECONDS.
    """
    options = splitting_options(splitting)
    bounds = replace(limits(), ocr_pages=0, seconds=settings.PLAN_TIMEOUT_SECONDS)
    with _alone():
        facts = validate_file(path, name=name, limits=bounds)
        extracted = _read(path, facts, name, bounds)
        passages = _split(extracted, options)
    same = Document.objects.filter(owner_id=owner_id, sha256=sha256_of(path)).first()
    scanned = _scanned(extracted, options["chunk_size"])
    if not scanned.pages and not holds_text(extracted):
        raise NoTextInFile(label=SUPPORTED[facts.content_type].label)
    texts = _texts(extracted, passages, owner_id)
    wait = queue.wait_of(owner_id)
    return _planned(clean_name(name), facts, extracted, len(passages), texts, scanned, same, wait)


_turn = Lock()
_idle: Timer | None = None


@contextmanager
def _alone() -> Iterator[None]:
    """One plan at a time per web server; the reader process is ended when idle."""
    global _idle  # noqa: PLW0603 - one for the process
    if not _turn.acquire(timeout=2):
        raise PlannerBusy
    try:
        if _idle:
            _idle.cancel()
        yield
    finally:
        _idle = Timer(IDLE_SECONDS, _rest)
        _idle.daemon = True
        _idle.start()
        _turn.release()


def _rest() -> None:
    with _turn:
        sandbox().close()


def _read(path: Path, facts: FileFacts, name: str, bounds: Limits) -> Extracted:
    if facts.content_type in PICTURES:  # nothing but OCR can read it
        return Extracted(text="", elements=(), pages=1, details={"empty_pages": 1})
    return sandbox().read(path, content_type=facts.content_type, name=name, limits=bounds)


def _split(extracted: Extracted, options: dict[str, Any]) -> list[Passage]:
    if not extracted.text:
        return []
    elements = json.dumps([fields_of(element) for element in extracted.elements])
    return passages_of(extracted.text, elements, options, should_stop=lambda: False)


def _texts(extracted: Extracted, passages: list[Passage], owner_id: int) -> dict[bytes, int]:
    """The texts that would be embedded: digest -> tokens."""
    return {
        digest(text_digest(context, body), owner_id): estimate_tokens(embedded_text(context, body))
        for passage in passages
        for context, body in [(passage.context, extracted.text[passage.start : passage.end])]
    }


def _planned(
    name: str,
    facts: FileFacts,
    extracted: Extracted,
    passages: int,
    texts: dict[bytes, int],
    scanned: Scanned,
    same: Document | None,
    wait: int,
) -> Plan:
    known = _known(list(texts))
    tokens = sum(texts.values()) + scanned.tokens
    chunks = passages + scanned.chunks
    return Plan(
        name=name, content_type=facts.content_type, size=facts.size, pages=extracted.pages,
        ocr_pages=scanned.pages, chunks=chunks, tokens=tokens, known_chunks=len(known),
        tokens_to_pay=tokens - sum(texts[each] for each in known),
        seconds=_seconds(chunks - len(known), scanned.pages, wait), document=same,
        warnings=list(extracted.details.get("warnings", [])),
    )  # fmt: skip


def _scanned(extracted: Extracted, chunk_size: int) -> Scanned:
    """Pages that need OCR: those that are empty or garbled without it."""
    names = ("empty_pages", "garbled_pages")
    found = sum(int(extracted.details.get(name, 0)) for name in names)
    pages = min(found, settings.OCR_MAX_PAGES)
    tokens = pages * SCANNED_PAGE_TOKENS
    return Scanned(pages, math.ceil(tokens / chunk_size), tokens)


def _known(digests: list[bytes]) -> set[bytes]:
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, {"digests": digests, "space": spaces.active().pk})
        return {bytes(found) for (found,) in cursor.fetchall()}


def _seconds(chunks: int, scanned: int, wait: int) -> int | None:
    """The wait in the queue, plus the work at the pace of recent tasks."""
    with connection.cursor() as cursor:
        cursor.execute(_PACE)
        pace: float | None = cursor.fetchone()[0]
    if pace is None:
        return None
    return math.ceil(wait + chunks * pace + scanned * SCANNED_PAGE_SECONDS)
