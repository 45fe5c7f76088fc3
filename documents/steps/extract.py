"""extract_text: the document's text and where its parts lie, read in the sandbox."""

from collections.abc import Callable
from pathlib import Path

from documents.exceptions import NoText
from documents.extraction.elements import Extracted
from documents.extraction.sandbox import sandbox
from documents.extraction.types import SUPPORTED
from documents.limits import Limits

_SCANNED = "The PDF has no text layer; its pages are probably scanned images."


def extract_text(
    path: Path,
    *,
    content_type: str,
    name: str,
    limits: Limits,
    report: Callable[[int, int], None],
    should_stop: Callable[[], bool],
) -> Extracted:
    """Read a validated file. `report(done, total)` counts pages, sections or sheets.

    Raises NoText with the reason, ReadingStopped, or any of the reader's errors.
    """
    extracted = sandbox().read(
        path,
        content_type=content_type,
        name=name,
        limits=limits,
        report=report,
        should_stop=should_stop,
    )
    if not any(char.isalnum() for char in extracted.text):
        raise NoText(_reason(extracted, content_type))
    return extracted


def _reason(extracted: Extracted, content_type: str) -> str:
    if extracted.details.get("scanned"):
        return _SCANNED
    return f"No text was found in the file ({SUPPORTED[content_type].label})."
