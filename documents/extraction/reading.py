"""One document on its way through a reader."""

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
    """What a reader is given, and where it notes what it learns beside the elements."""

    path: Path
    name: str
    content_type: str
    limits: Limits
    report: Callable[[int, int], None] = lambda done, total: None
    pages: int | None = None
    details: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    # What OCR read of which page, in earlier turns and in this one.
    known: dict[int, dict[str, Any]] = field(default_factory=dict)
    keep: Callable[[int, dict[str, Any]], None] = lambda page, read: None
    _reported: float = 0.0
    _began: float = field(default_factory=time.monotonic)
    _learned: int = 0
    _pages_done: int = 0

    def set_pages(self, pages: int) -> None:
        """Note how many pages there are. Raises TooManyPages."""
        if pages > self.limits.max_pages:
            raise TooManyPages(pages=pages, limit=self.limits.max_pages)
        self.pages = pages

    def learn(self, page: int, read: dict[str, Any]) -> None:
        """Keep what was read of a page at once, so that nobody has to read it again."""
        self.known[page] = read
        self._learned += 1
        self.keep(page, read)

    def turn_is_over(self) -> bool:
        """Whether OCR should go on another time. Every turn gets one page further at least."""
        over = time.monotonic() - self._began > self.limits.ocr_turn_seconds
        return over and self._learned > 0

    def page_done(self) -> None:
        """Report one page more."""
        self._pages_done += 1
        self.progress(self._pages_done, self.pages or self._pages_done)

    def progress(self, done: int, total: int) -> None:
        """Report pages, sections or sheets read; not more often than anybody can follow."""
        now = time.monotonic()
        if done >= total or now - self._reported >= _REPORT_EVERY:
            self._reported = now
            self.report(done, total)
