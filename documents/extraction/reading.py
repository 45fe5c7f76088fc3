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
    _reported: float = 0.0

    def set_pages(self, pages: int) -> None:
        """Note how many pages there are. Raises TooManyPages."""
        if pages > self.limits.max_pages:
            raise TooManyPages(pages=pages, limit=self.limits.max_pages)
        self.pages = pages

    def progress(self, done: int, total: int) -> None:
        """Report pages, sections or sheets read; not more often than anybody can follow."""
        now = time.monotonic()
        if done >= total or now - self._reported >= _REPORT_EVERY:
            self._reported = now
            self.report(done, total)
