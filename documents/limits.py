"""Limits on documents, and on what reading one may use."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The operator's limits. Sizes are in bytes, `seconds` is wall-clock time."""

    max_bytes: int
    memory_bytes: int  # address space of a reader, on top of what it uses before it opens the file
    seconds: float
    max_pages: int
    libreoffice: str = ""  # the folder of its library, "" for none: old formats are refused
    max_pixels: int = 50_000_000  # of a picture; A4 at 600 dpi is 35 million
    ocr_pages: int = 1000  # of one document
    ocr_turn_seconds: float = 45  # the rest is for the next turn; the last page may take 100 more
    max_chars: int = 5_000_000
    max_elements: int = 100_000  # paragraphs, headings, tables; also passages
    max_entries: int = 10_000  # files inside an office file or e-book
    max_inflated_bytes: int = 1_000_000_000
    # Deflate reaches 1,032:1. Office XML stays below 40:1 in practice; small files are exempt.
    max_ratio: int = 100
    ratio_applies_above: int = 20_000_000
