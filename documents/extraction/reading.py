"""The state of reading one document."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from documents.exceptions import TooManyPages
from documents.limits import Limits

_REPORT_EVERY = 0.1  # seconds


@dataclass(slots=True)
class Reading:
    """A reader's input, and where it records everything but the elements."""

    path: Path
    name: str
    content_type: str
    limits: Limits
    report: Callable[[int, int], None] = lambda done, total: None
    pages: int | None = None
    details: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    # The pages that OCR has read, in earlier turns and in this one.
    known: dict[int, dict[str, Any]] = field(default_factory=dict)
    keep: Callable[[int, dict[str, Any]], None] = lambda page, read: None
    _reported: float = 0.0
    _began: float = field(default_factory=time.monotonic)
    _learned: int = 0
    _pages_done: int = 0

    def set_pages(self, pages: int) -> None:
        """Record the number of pages. Raises TooManyPages."""
        if pages > self.limits.max_pages:
            raise TooManyPages(pages=pages, limit=self.limits.max_pages)
        self.pages = pages

    def learn(self, page: int, read: dict[str, Any]) -> None:
        """Store what OCR read of a page at once, so that it need not be read again."""
        self.known[page] = read
        self._learned += 1
        self.keep(page, read)

    def turn_is_over(self) -> bool:
        """Whether OCR should continue in another turn. Each turn reads at least one page."""
        over = time.monotonic() - self._began > self.limits.ocr_turn_seconds
        return over and self._learned > 0

    def page_done(self) -> None:
        """Report one more page."""
        self._pages_done += 1
        self.progress(self._pages_done, self.pages or self._pages_done)

    def progress(self, done: int, total: int) -> None:
        """Report the pages, sections or sheets read, at most ten times a second."""
        now = time.monotonic()
        if done >= total or now - self._reported >= _REPORT_EVERY:
            self._reported = now
            self.report(done, total)
