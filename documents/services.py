"""What people and programs do with documents: upload, delete, process again, tidy up."""

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
    created: bool  # False: the same bytes were there already


class Splitting(TypedDict, total=False):
    """How to split one document, where it is not to be as the operator's settings say."""

    chunk_size: int  # tokens
    chunk_overlap: int  # tokens
    chunk_strategy: str  # one of documents.steps.split.STRATEGIES


def upload_document(
    *, owner_id: int, path: Path, name: str, bulk: bool = False, splitting: Splitting | None = None
) -> Upload:
    """Keep the file at `path` and start to process it, or find what the same bytes already are.

    `bulk` puts it into the lane of long work, as a large file always is. `splitting` is for what
    starts here: a document that can be searched stays as it is (`reprocess_document` changes that).
    Raises EmptyFile, FileTooLarge or UnsupportedType. Does not wait for the broker.
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
    """In hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _known(document: Document, path: Path, work: Effort, splitting: Splitting) -> Upload | None:
    """What the same bytes of the same owner already are, if anything."""
    same = Document.objects.filter(owner_id=document.owner_id, sha256=document.sha256)
    try:
        known = same.get()
        _put_back(known, path)
        return _again(known, work, splitting)
    except ObjectDoesNotExist:  # never there, or deleted while we looked at it
        return None


def _keep(document: Document, path: Path, work: Effort, splitting: Splitting) -> Upload:
    """The bytes first, then the rows: a row never points at a file that is not there."""
    with path.open("rb") as file:
        document.file.save(document.name, File(file), save=False)
    try:
        with transaction.atomic():
            document.save(force_insert=True)
            _start(document, work, splitting)
            usage.add(document.owner_id, documents=1)
    except IntegrityError as error:  # the same bytes came in twice at the same moment
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
    """The bytes are here again: keep them if the stored ones were lost or damaged."""
    name = str(document.file.name)
    if default_storage.exists(name):
        with default_storage.open(name) as stored:
            if hashlib.file_digest(stored, "sha256").hexdigest() == document.sha256:
                return
        default_storage.delete(name)
    with path.open("rb") as file:
        default_storage.save(name, File(file))


def _may_be_committed(error: BaseException) -> bool:
    """Who loses the database while it commits can't know; housekeeping will (no row: no file)."""
    lost = isinstance(error, OperationalError | InterfaceError)
    return lost and not is_storage_full(error)


def _again(document: Document, work: Effort, splitting: Splitting) -> Upload:
    """The same bytes came again: a document that ended without success starts again.

    One that can be searched does not, whatever became of a later run.
    """
    if document.status in (DocumentStatus.FAILED, DocumentStatus.CANCELLED):
        try:
            _restart(document, work, splitting)
        except (WrongState, IntegrityError):
            log.info("started_by_somebody_else", document_id=str(document.pk))
    document.refresh_from_db()
    return Upload(document=document, created=False)


def _restart(document: Document, work: Effort, splitting: Splitting) -> None:
    """Go on where it ended; from its beginning, if it is now asked to be split in another way."""
    latest = document.tasks.order_by("-created_at").first()
    asked = splitting_options(splitting) if splitting else {}
    if latest and asked.items() <= latest.options.items():
        task_services.retry(latest.pk, by_id=document.owner_id)
    else:
        with transaction.atomic():
            _start(document, work, splitting)


def clean_name(name: str) -> str:
    """The name as people may see it: composed, no invisible characters, at most 255 characters."""
    composed = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])
    visible = "".join(c for c in composed if unicodedata.category(c) not in _HIDDEN).strip()
    if len(visible) > 255:
        stem, _, ending = visible.rpartition(".")
        visible = (
            f"{stem[: 254 - len(ending)]}.{ending}" if stem and len(ending) < 20 else visible[:255]
        )
    return visible or "document"


def reprocess_document(document_id: UUID, splitting: Splitting | None = None) -> Task:
    """Process the document anew from its file; the old chunks serve until the new ones are there.

    Raises WrongState while a task of it still lives.
    """
    document = Document.objects.get(pk=document_id)
    try:
        with transaction.atomic():
            return _start(document, effort.of_document(document), splitting or Splitting())
    except IntegrityError as error:
        raise WrongState(BEING_PROCESSED) from error


def splitting_options(splitting: Splitting) -> dict[str, Any]:
    """The operator's settings where nothing else was asked for."""
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
        by_id=document.owner_id,  # nobody else can
    )


def quality_report(document: Document) -> dict[str, Any] | None:
    """What the step that made the document's text tells of it; None while there is no text.

    The keys are those of documents.extraction.quality.Quality; runs of earlier versions told less.
    """
    kept = document.extractions.order_by("-created_at")
    shown = kept.filter(pk=document.extraction_id) if document.extraction_id else kept
    task_id = shown.values_list("task_id", flat=True).first()
    step = TaskDetail.objects.filter(task=task_id, step_type="TEXT_EXTRACTION").first()
    return None if step is None else report_in(step.details)


def delete_document(document_id: UUID) -> None:
    """Remove the document, its work, chunks and vectors now, and its file right after."""
    while not _delete(document_id):
        log.info("task_started_meanwhile", document_id=str(document_id))


@transaction.atomic
def _delete(document_id: UUID) -> bool:
    """Whether it is deleted: False when a task was started meanwhile, whose lock comes first."""
    # Tasks first: that is the lock order of everybody who writes.
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
    """Delete what `orphaned_files` finds; how many."""
    orphans = orphaned_files(older_than=older_than)
    for path in orphans:
        path.unlink(missing_ok=True)
    return len(orphans)


def orphaned_files(*, older_than: timedelta = ORPHANED_AFTER) -> list[Path]:
    """What a crash left of uploads: files that no document names, whole or partial.

    Bytes come before their row, so a young file is let alone. Covers local storage.
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
    """Seconds since the epoch; a file that is gone is as good as new."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf
