"""extract_text: the document's text and the places of its parts, read in the sandbox."""

from collections.abc import Callable
from pathlib import Path

from documents.exceptions import NoText, NoTextInFile, NoTextInPicture, NoTextInScan
from documents.extraction.elements import Extracted
from documents.extraction.sandbox.client import Keep, Known, sandbox
from documents.extraction.types import PICTURES, SUPPORTED
from documents.limits import Limits


def extract_text(
    path: Path,
    *,
    content_type: str,
    name: str,
    limits: Limits,
    report: Callable[[int, int], None],
    should_stop: Callable[[], bool],
    known: Known | None = None,
    keep: Keep = lambda page, read: None,
) -> Extracted:
    """Read a validated file. `report(done, total)` counts pages, sections or sheets.

    OCR works in turns: each page it reads is passed to `keep`; after ReadingPaused, call again with
    those pages as `known`. Raises NoText with the reason, ReadingStopped, or a reader's error.
    """
    extracted = sandbox().read(
        path,
        content_type=content_type,
        name=name,
        limits=limits,
        report=report,
        should_stop=should_stop,
        known=known,
        keep=keep,
    )
    if not holds_text(extracted):
        raise _no_text(extracted, content_type)
    return extracted


def holds_text(extracted: Extracted) -> bool:
    """Whether the text has any letter or digit."""
    return any(char.isalnum() for char in extracted.text)


def _no_text(extracted: Extracted, content_type: str) -> NoText:
    label = SUPPORTED[content_type].label
    if not extracted.details.get("ocr_pages"):
        return NoTextInFile(label=label)
    return NoTextInPicture(label=label) if content_type in PICTURES else NoTextInScan()
