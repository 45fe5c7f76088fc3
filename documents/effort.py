"""Estimates the work that a document makes: from its file, or from its text once it has one.

The unit is a byte of an average PDF. Plain text takes longer than a PDF of the same size, most of
which is pictures and fonts; for a zip the markup that it unpacks to counts.
"""

from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db.models.functions import Length

from documents.extraction.archives import markup_bytes
from documents.extraction.types import ARCHIVES
from documents.models import Document
from tasks.models import Lane

BYTES_A_SECOND = 70_000
LONGEST_SECONDS = 86_400  # what a zip says of its own size may be any number
# Of 37 real files a byte of text took 5 times as long as one of a PDF to read and holds 11 times as
# many characters to embed; a byte of markup .7 and 1.7 times. These lie between.
_TEXT, _MARKUP = 7.0, 1.5
_ALL_MARKUP = ARCHIVES | {"text/html", "application/xml"}


class Effort(NamedTuple):
    lane: Lane
    seconds: int


def of_file(path: Path, content_type: str, *, bulk: bool = False) -> Effort:
    """An estimate for an unchecked file; `bulk` puts it into the bulk lane in any case."""
    in_zip = content_type in ARCHIVES
    size = markup_bytes(path) if in_zip else path.stat().st_size
    return _effort(size * _weight(content_type), bulk=bulk)


def of_document(document: Document) -> Effort:
    """By its text; by the size of its file while it has none."""
    kept = Document.objects.filter(pk=document.pk)
    characters = kept.values_list(Length("extraction__text"), flat=True).get()
    if characters is None:
        return _effort(document.size * _weight(document.content_type))
    return _effort(characters * _TEXT)


def _weight(content_type: str) -> float:
    if content_type in _ALL_MARKUP:
        return _MARKUP
    return _TEXT if content_type.startswith("text/") or content_type == "application/json" else 1


def _effort(size: float, *, bulk: bool = False) -> Effort:
    long = bulk or size > settings.BULK_FROM_KB * 1000
    seconds = min(int(size) // BYTES_A_SECOND, LONGEST_SECONDS)
    return Effort(Lane.BULK if long else Lane.QUICK, seconds)
