"""How well a document could be read: the report shown on the extraction step."""

import re
from collections.abc import Sequence
from typing import Any, TypedDict

from documents.extraction.elements import Element
from documents.extraction.language import detect_language
from documents.extraction.reading import Reading

# What a damaged file or a font without a Unicode mapping leaves in place of characters: the
# replacement character, private use and control characters.
_GARBLED = re.compile("[\ufffd\ue000-\uf8ff\x00-\x08\x0b-\x1f\x7f-\x9f\U000f0000-\U0010fffd]")
_WORTH_A_WARNING = 0.01  # share of garbled characters


class Quality(TypedDict, total=False):
    """The first fields are known for every format; the rest only appear where they apply."""

    pages: int | None  # None where the format has no pages
    characters: int  # code points of the normalised text
    language: str  # ISO 639-1; "" if unknown
    garbled: float  # share of the characters, 0 to 1
    tables: int
    dropped_repeats: int  # repeated headers and footers that were removed
    warnings: list[str]  # sentences for users
    empty_pages: int  # pages without any text
    ocr_pages: int  # pages that were read by OCR
    ocr_confidence: float  # mean over their lines, 0 to 1


KEYS: tuple[str, ...] = tuple(Quality.__annotations__)


def quality_of(reading: Reading, text: str, elements: Sequence[Element]) -> Quality:
    """The report on a reader's result, including what the reader recorded itself."""
    garbled = _share_garbled(text)
    quality = Quality(
        pages=reading.pages,
        characters=len(text),
        language=detect_language(text),
        garbled=garbled,
        tables=sum(element.kind == "table" for element in elements),
        dropped_repeats=reading.details.get("dropped_repeats", 0),
        warnings=[*reading.warnings, *_warnings(garbled)],
    )
    if reading.pages is not None:
        quality["empty_pages"] = reading.details.get("empty_pages", 0)
        quality["ocr_pages"] = reading.details.get("ocr_pages", 0)
    return quality


def report_in(details: dict[str, Any]) -> dict[str, Any]:
    """The report, out of all that a step's details hold."""
    return {key: details[key] for key in KEYS if key in details}


def _share_garbled(text: str) -> float:
    if not text or text.isascii():
        return 0.0
    return round(len(_GARBLED.findall(text)) / len(text), 4)


def _warnings(garbled: float) -> list[str]:
    return [f"{garbled:.0%} of the characters are garbled"] if garbled >= _WORTH_A_WARNING else []
