"""What people and programs do with documents: upload, delete, reprocess, clean up."""

import hashlib
import math
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypedDict
from uuid import UUID

import structlog
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.utils.translation import gettext_noop

from documents import effort, spaces, usage
from documents.effort import Effort
from documents.exceptions import EmptyFile, FileTooLarge
from documents.extraction.quality import report_in
from documents.extraction.types import detect
from documents.models import Document, DocumentStatus
from documents.pipeline import DOCUMENT, limits
from documents.storage import incoming
from tasks import services as task_services
from tasks.exceptions import WrongState, is_storage_full
from tasks.models import Task, TaskDetail

log = structlog.get_logger(__name__)
JUST_DELETED = gettext_noop("The same document was just deleted. Upload it again.")
BEING_PROCESSED = gettext_noop("The document is being processed already.")
ORPHANED_AFTER = timedelta(minutes=30)
_HIDDEN = {"Cc", "Cf", "Co", "Cs"}  # control, bidi and other invisible characters


@dataclass(frozen=True, kw_only=True)
class Upload:
    document: Document
    created: bool  # False: the owner had the same bytes already


class Splitting(TypedDict, total=False):
    """How to split one document, where that differs from the operator's settings."""

    chunk_size: int  # tokens
    chunk_overlap: int  # tokens
    chunk_strategy: str  # one of documents.steps.split.STRATEGIES


def upload_document(
    *, owner_id: int, path: Path, name: str, bulk: bool = False, splitting: Splitting | None = None
) -> Upload:
    """Store the file at `path` and start processing it, or find the document with the same bytes.

    `bulk` puts it into the lane for long work, where large files always go. `splitting` applies to
    processing that starts here, not to a document that can already be searched (see
    `reprocess_document`). Raises EmptyFile, FileTooLarge or UnsupportedType. Never waits for the
    broker.
    """
    size = path.stat().st_size
    if not size:
        raise EmptyFile
    if size > limits().max_bytes:
        raise FileTooLarge(limit_mb=settings.MAX_UPLOAD_MB)
    name = clean_name(name)
    content_type = detect(path, name, libreoffice=limits().libreoffice)
    document = Document(
        owner_id=owner_id, name=name, content_type=content_type, size=size, sha256=sha256_of(path)
    )
    work, splitting = effort.of_file(path, content_type, bulk=bulk), splitting or Splitting()
    return _known(document, path, work, splitting) or _keep(document, path, work, splitting)


def sha256_of(path: Path) -> str:
    """The file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _known(document: Document, path: Path, work: Effort, splitting: Splitting) -> Upload | None:
    """The owner's document with the same bytes, if there is one."""
    same = Document.objects.filter(owner_id=document.owner_id, sha256=document.sha256)
    try:
        known = same.get()
        _put_back(known, path)
        return _again(known, work, splitting)
    except ObjectDoesNotExist:  # never there, or deleted while we looked at it
        return None


def _keep(document: Document, path: Path, work: Effort, splitting: Splitting) -> Upload:
    """Write the bytes first, then the rows: a row never names a file that does not exist."""
    with path.open("rb") as file:
        document.file.save(document.name, File(file), save=False)
    try:
        with transaction.atomic():
            document.save(force_insert=True)
            _start(document, work, splitting)
            usage.add(document.owner_id, documents=1)
    except IntegrityError as error:  # the same bytes were uploaded twice at the same moment
        document.file.delete(save=False)
        if known := _known(document, path, work, splitting):
            return known
        raise WrongState(JUST_DELETED) from error
    except BaseException as error:
        if not _may_be_committed(error):
            document.file.delete(save=False)
        raise
    return Upload(document=document, created=True)


def _put_back(document: Document, path: Path) -> None:
    """Replace the stored file if it was lost or damaged: the same bytes were uploaded again."""
    name = str(document.file.name)
    if default_storage.exists(name):
        with default_storage.open(name) as stored:
            if hashlib.file_digest(stored, "sha256").hexdigest() == document.sha256:
                return
        default_storage.delete(name)
    with path.open("rb") as file:
        default_storage.save(name, File(file))


def _may_be_committed(error: BaseException) -> bool:
    """Whether the connection broke, perhaps after the commit: then housekeeping decides."""
    lost = isinstance(error, OperationalError | InterfaceError)
    return lost and not is_storage_full(error)


def _again(document: Document, work: Effort, splitting: Splitting) -> Upload:
    """The same bytes were uploaded again: restart a document that failed or was cancelled.

    One that can be searched is left alone, whatever became of a later run.
    """
    if document.status in (DocumentStatus.FAILED, DocumentStatus.CANCELLED):
        try:
            _restart(document, work, splitting)
        except (WrongState, IntegrityError):
            log.info("started_by_somebody_else", document_id=str(document.pk))
    document.refresh_from_db()
    return Upload(document=document, created=False)


def _restart(document: Document, work: Effort, splitting: Splitting) -> None:
    """Retry from where it failed, or start over if it is to be split differently now."""
    latest = document.tasks.order_by("-created_at").first()
    asked = splitting_options(splitting) if splitting else {}
    if latest and asked.items() <= latest.options.items():
        task_services.retry(latest.pk, by_id=document.owner_id)
    else:
        with transaction.atomic():
            _start(document, work, splitting)


def clean_name(name: str) -> str:
    """The name to show: NFC, without path or invisible characters, at most 255 characters."""
    composed = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])
    visible = "".join(c for c in composed if unicodedata.category(c) not in _HIDDEN).strip()
    if len(visible) > 255:
        stem, _, ending = visible.rpartition(".")
        visible = (
            f"{stem[: 254 - len(ending)]}.{ending}" if stem and len(ending) < 20 else visible[:255]
        )
    return visible or "document"


def reprocess_document(document_id: UUID, splitting: Splitting | None = None) -> Task:
    """Process the document again from its file; the old chunks are used until that is done.

    Raises WrongState while it has a live task.
    """
    document = Document.objects.get(pk=document_id)
    try:
        with transaction.atomic():
            return _start(document, effort.of_document(document), splitting or Splitting())
    except IntegrityError as error:
        raise WrongState(BEING_PROCESSED) from error


def splitting_options(splitting: Splitting) -> dict[str, Any]:
    """The task's options: what was asked for, else the operator's settings."""
    size, overlap = splitting.get("chunk_size", settings.CHUNK_SIZE), settings.CHUNK_OVERLAP
    return {
        "chunk_size": size,
        "chunk_overlap": overlap if overlap < size else size // 2,
        "chunk_strategy": settings.CHUNK_STRATEGY,
        **splitting,
    }


def _start(document: Document, work: Effort, splitting: Splitting) -> Task:
    return task_services.start(
        pipeline=DOCUMENT.name,
        owner_id=document.owner_id,
        document_id=document.pk,
        options=splitting_options(splitting),
        lane=work.lane,
        effort=work.seconds,
        by_id=document.owner_id,  # only the owner can
    )


def quality_report(document: Document) -> dict[str, Any] | None:
    """The quality report of the document's text extraction; None while there is no text.

    Its keys are those of documents.extraction.quality.Quality; earlier versions reported fewer.
    """
    kept = document.extractions.order_by("-created_at")
    shown = kept.filter(pk=document.extraction_id) if document.extraction_id else kept
    task_id = shown.values_list("task_id", flat=True).first()
    step = TaskDetail.objects.filter(task=task_id, step_type="TEXT_EXTRACTION").first()
    return None if step is None else report_in(step.details)


def delete_document(document_id: UUID) -> None:
    """Delete the document with its tasks, chunks and vectors, and its file after the commit."""
    while not _delete(document_id):
        log.info("task_started_meanwhile", document_id=str(document_id))


@transaction.atomic
def _delete(document_id: UUID) -> bool:
    """Whether it was deleted: False if a task was started meanwhile, which must be locked first."""
    # Tasks first: that is the lock order everywhere.
    tasks = Task.objects.filter(document_id=document_id)
    locked = len(tasks.select_for_update().values_list("pk"))
    document = Document.objects.select_for_update().get(pk=document_id)
    if tasks.count() > locked:
        transaction.set_rollback(True)
        return False
    name = str(document.file.name)
    spaces.keep_vectors_of(document_id)
    document.delete()
    transaction.on_commit(partial(default_storage.delete, name), robust=True)
    return True


def remove_orphaned_files(*, older_than: timedelta = ORPHANED_AFTER) -> int:
    """Delete the orphaned files; how many."""
    orphans = orphaned_files(older_than=older_than)
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)


def orphaned_files(*, older_than: timedelta = ORPHANED_AFTER) -> list[Path]:
    """Files, whole or partial, that no document names, as crashes in uploads leave them.

    Files are written before their row, so recent ones don't count. Local storage only.
    """
    root = Path(settings.MEDIA_ROOT)
    files = Document.objects.order_by().values_list("file", flat=True)
    known = set(files)
    before = time.time() - older_than.total_seconds()
    unknown = {
        name: path for path in _stored(root)
        if (name := f"{path.parent.name}/{path.name}") not in known and _modified(path) < before
    }  # fmt: skip
    for name in files.filter(file__in=list(unknown)):  # it came while we looked: clocks differ
        del unknown[name]
    return list(unknown.values())


def _stored(root: Path) -> Iterator[Path]:
    yield from root.glob("??/*")
    yield from incoming().glob("*")


def _modified(path: Path) -> float:
    """Seconds since the epoch; infinity for a file that is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf
