"""The document pipeline: its five steps, and what they read from and write to the database."""

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import attrgetter
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError
from django.utils.translation import gettext_lazy

from documents.copying import copying
from documents.extraction.elements import Element, Extracted, Passage
from documents.extraction.office.libreoffice import program_folder
from documents.extraction.sandbox.client import sandbox
from documents.limits import Limits
from documents.models import Document, DocumentStatus, Draft, Extraction, ScannedPage
from documents.steps.embed import digest, embed_drafts, embedded_text, text_digest
from documents.steps.extract import extract_text
from documents.steps.split import split_kept
from documents.steps.store import replace_chunks
from documents.steps.validate import FileFacts, validate_file
from documents.uploaded import local
from documents.words import RULES
from documents.words_file import WordsFile
from tasks import rows
from tasks.exceptions import Fenced
from tasks.pipelines import Pipeline, Step, StepResult, StepRun

_DOCUMENTS = Document._meta.db_table
_DOCUMENT = f"SELECT {rows.columns(Document)} FROM {_DOCUMENTS} WHERE id = %(document)s"  # noqa: S608 - names of our own, here and below
_FACTS = f"UPDATE {_DOCUMENTS} SET content_type = %(content_type)s WHERE id = %(document)s"  # noqa: S608
_ABOUT = f"""
    UPDATE {_DOCUMENTS} SET page_count = %(pages)s, language = %(language)s WHERE id = %(document)s
"""  # noqa: S608
_FORGET_TEXT = f"DELETE FROM {Extraction._meta.db_table} WHERE task_id = %(task)s"  # noqa: S608
_FORGET_DRAFTS = f"DELETE FROM {Draft._meta.db_table} WHERE task_id = %(task)s"  # noqa: S608
_KEPT = f"""
    SELECT text, elements::text, document.language, document.name, owner_id
    FROM {Extraction._meta.db_table} extraction
    JOIN {_DOCUMENTS} document ON document.id = document_id WHERE task_id = %(task)s
"""  # noqa: S608
_SETTLE = f"""
    UPDATE {_DOCUMENTS}
    SET status = CASE WHEN chunk_count > 0 THEN '{DocumentStatus.AVAILABLE}' ELSE %(status)s END,
        error_code = %(code)s, error_message = %(message)s, updated_at = statement_timestamp()
    WHERE id = %(document)s
"""  # noqa: S608
_NO_REASON = {"code": None, "message": None}


def validate(run: StepRun) -> StepResult:
    document = _document(run)
    with local(document) as path:
        facts = validate_file(path, name=document.name, limits=limits())
    details = {"file_size": facts.size, "file_type": facts.content_type}
    return StepResult(details=details, save=partial(_save_facts, document, facts))


def _save_facts(document: Document, facts: FileFacts) -> None:
    rows.change(_FACTS, {"document": document.pk, "content_type": facts.content_type})


def extract(run: StepRun) -> StepResult:
    document = _document(run)
    with local(document) as path:
        extracted = extract_text(
            path,
            content_type=document.content_type,
            name=document.name,
            limits=limits(),
            report=run.report,
            should_stop=run.stopped,
            known=dict(document.scanned_pages.values_list("page", "read")),
            keep=partial(_keep_scan, document.pk),
        )
    details = {"text_length": len(extracted.text), **extracted.details}
    return StepResult(details=details, save=partial(_save_extracted, run, extracted))


def _keep_scan(document_id: UUID, page: int, read: dict[str, Any]) -> None:
    """Store what OCR read of a page, so that it need not be repeated."""
    try:
        ScannedPage.objects.update_or_create(
            document_id=document_id, page=page, defaults={"read": read}
        )
    except IntegrityError as error:
        raise Fenced from error  # the document was deleted meanwhile


def _save_extracted(run: StepRun, extracted: Extracted) -> None:
    """Written in pieces, as a worker should not need memory for a second copy of a long text."""
    rows.change(_FORGET_TEXT, {"task": run.task_id})
    copy = f"COPY {Extraction._meta.db_table} (document_id, task_id, text, elements) FROM STDIN"
    with copying(copy) as row:
        row.write(f"{run.subject_id}\t{run.task_id}\t")
        for at in range(0, len(extracted.text), _PIECE):
            row.write(_escaped(extracted.text[at : at + _PIECE]))
        row.write("\t[")
        for at, element in enumerate(extracted.elements):
            row.write(("," if at else "") + _escaped(json.dumps(fields_of(element))))
        row.write("]\n")
    about = {"pages": extracted.pages, "language": extracted.language}
    rows.change(_ABOUT, {"document": run.subject_id, **about})


# Characters: splitting so many takes about as long as forking the sandbox, at worst a second.
_SHORT = 100_000
_PIECE = 100_000  # characters


def _escaped(text: str) -> str:
    """Escaped for COPY's text format. `replace` takes a twentieth of the time of `translate`."""
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace("\t", r"\t").replace("\r", r"\r")


# The fields of an element that are stored, as a JSON list.
fields_of: Callable[[Element], tuple[Any, ...]] = attrgetter(*Element.__slots__)


def split(run: StepRun) -> StepResult:
    used = {name: run.options[name] for name in ("chunk_size", "chunk_overlap")}
    # Tasks of earlier versions have no strategy; this was the only one.
    used["chunk_strategy"] = run.options.get("chunk_strategy", "by_title")
    kept = _kept(run)
    passages = passages_of(kept.text, kept.elements, used, should_stop=run.stopped)
    save = partial(_save_drafts, run, kept, passages, _words_of(run, kept, passages))
    return StepResult(details={"chunk_count": len(passages), **used}, save=save)


class Kept(NamedTuple):
    """What step 2 stored, and what its passages need to know of their document."""

    text: str
    elements: str  # JSON
    language: str
    name: str
    owner_id: int


def _kept(run: StepRun) -> Kept:
    found = rows.row(_KEPT, {"task": run.task_id})
    if found is None:
        raise Extraction.DoesNotExist
    return Kept(*found)


def passages_of(
    text: str, elements: str, used: dict[str, Any], *, should_stop: Callable[[], bool]
) -> list[Passage]:
    """The passages of a text, whose `elements` are JSON, split by the options `used`.

    A long text is split in the sandbox, so that it can't block a worker; raises its errors.
    """
    options = {name.removeprefix("chunk_"): value for name, value in used.items()}
    if len(text) > _SHORT:
        return _split_confined(text, elements, options, should_stop)
    return split_kept(text, elements, **options)


def _split_confined(
    text: str, elements: str, options: dict[str, Any], should_stop: Callable[[], bool]
) -> list[Passage]:
    with NamedTemporaryFile("w", encoding="utf-8", newline="") as file:
        file.writelines([elements, "\n"])
        file.writelines(text[at : at + _PIECE] for at in range(0, len(text), _PIECE))
        file.flush()
        return sandbox().split(
            Path(file.name), options=options, limits=limits(), should_stop=should_stop
        )


_DRAFT_COLUMNS = (
    "chunk_id", "document_id", "task_id", "index", "text", "start", "end",
    "page_start", "page_end", "headings", "context", "digest", "words", "weights",
    "word_rules",
)  # fmt: skip


def _words_of(run: StepRun, kept: Kept, passages: Sequence[Passage]) -> WordsFile:
    """Of a book this may take a minute: too long for a transaction that others have to wait for."""
    found = WordsFile()
    for done, passage in enumerate(passages):
        run.report(done, len(passages))
        text = embedded_text(passage.context, kept.text[passage.start : passage.end])
        found.add(text, kept.language, kept.name)
    return found


def _save_drafts(run: StepRun, kept: Kept, passages: Sequence[Passage], words: WordsFile) -> None:
    rows.change_many(_FORGET_DRAFTS, {"task": run.task_id})
    columns = ", ".join(f'"{name}"' for name in _DRAFT_COLUMNS)
    copy = f"COPY {Draft._meta.db_table} ({columns}) FROM STDIN"
    with copying(copy) as drafts:
        for passage, found in zip(passages, words, strict=True):
            drafts.write_row(_draft_row(run, kept, passage, found))


def _draft_row(run: StepRun, kept: Kept, passage: Passage, words: Iterable[str]) -> tuple[Any, ...]:
    body = kept.text[passage.start : passage.end]
    name = text_digest(passage.context, body)
    # The same passage of the same document keeps its id when the document is processed again.
    chunk_id = uuid.uuid5(run.subject_id, f"{passage.start}:{passage.end}:{name.hex()}")
    return (
        chunk_id, run.subject_id, run.task_id, passage.index, body, passage.start, passage.end,
        passage.page_start, passage.page_end, list(passage.headings), passage.context,
        digest(name, kept.owner_id), *words, RULES,
    )  # fmt: skip


def embed(run: StepRun) -> StepResult:
    before = run.details.get("embedded_chunks", 0)  # in earlier turns

    def told(done: int, total: int, asked: int) -> dict[str, int]:
        return {
            "processed_chunks": done, "total_chunks": total, "embedded_chunks": before + asked,
        }  # fmt: skip

    def report(done: int, total: int, asked: int) -> None:
        run.report(done, total, **told(done, total, asked))

    total, asked = _embed_drafts(run, report)
    return StepResult(details=told(total, total, asked))


def _embed_drafts(run: StepRun, report: Callable[[int, int, int], None]) -> tuple[int, int]:
    return embed_drafts(
        run.task_id,
        run.subject_id,
        report=report,
        seconds_left=run.seconds_left,
        should_stop=run.stopped,
    )


def store(run: StepRun) -> StepResult:
    # Usually all vectors are there. If one was lost since, it is embedded again here, or each retry
    # would fail.
    total, _ = _embed_drafts(run, lambda done, total, _asked: run.report(done, total))
    return StepResult(
        details={"stored_vectors": total},
        save=partial(replace_chunks, run.subject_id, run.task_id),
    )


def limits() -> Limits:
    """The operator's limits for reading."""
    return Limits(
        max_bytes=settings.MAX_UPLOAD_MB * 1_000_000,
        memory_bytes=settings.READER_MEMORY_MB * 1_000_000,
        seconds=settings.READER_TIMEOUT_SECONDS,
        max_pages=settings.MAX_PAGES,
        libreoffice=program_folder(settings.LIBREOFFICE),
        ocr_pages=settings.OCR_MAX_PAGES,
        ocr_turn_seconds=min(45, settings.READER_TIMEOUT_SECONDS / 4),
        max_chars=settings.MAX_TEXT_CHARS,
        max_entries=settings.MAX_ARCHIVE_ENTRIES,
        max_inflated_bytes=settings.MAX_INFLATED_MB * 1_000_000,
        max_ratio=settings.MAX_INFLATION_RATIO,
    )


def _document(run: StepRun) -> Document:
    document = rows.first(Document, _DOCUMENT, {"document": run.subject_id})
    if document is None:
        raise Fenced  # deleted meanwhile
    return document


def settle(document_id: UUID, status: str, code: str | None, message: str | None) -> None:
    """Set the document's status from its task. One that can be searched stays AVAILABLE."""
    why = {"code": code, "message": message} if status == DocumentStatus.FAILED else _NO_REASON
    rows.change(_SETTLE, {"document": document_id, "status": str(status), **why})


DOCUMENT = Pipeline(
    name="document",
    celery_name="process_document",
    steps=(
        Step("FILE_UPLOAD", gettext_lazy("File validation"), "validate_file", validate, 5),
        Step("TEXT_EXTRACTION", gettext_lazy("Text extraction"), "extract_text", extract, 30),
        Step("TEXT_SPLITTING", gettext_lazy("Text splitting"), "split_text", split, 5),
        Step("EMBEDDING_GENERATION", gettext_lazy("Embedding"), "generate_embeddings", embed, 50),
        Step("VECTOR_STORAGE", gettext_lazy("Vector storage"), "store_vectors", store, 10),
    ),
    settle=settle,
)
