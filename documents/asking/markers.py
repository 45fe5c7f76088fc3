"""Citations in an answer that comes in pieces: `[3]`, `[1, 2]`, 【3】; those of no source go."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_MARKER = re.compile(r"[\[【]\s*(\d{1,3}(?:\s*[,，、]\s*\d{1,3})*)\s*[\]】]")
# What may still become one, and at most how long it may get.
_BEGUN = re.compile(r"[\[【][\d\s,，、]*$")
_LONGEST = 60


@dataclass
class Citations:
    """Reads an answer; `sources` is how many there are, numbered from 1."""

    sources: int
    used: list[int] = field(default_factory=list)  # in the order of their first use
    dropped: list[int] = field(default_factory=list)  # numbers of no source
    _held: str = ""

    def take(self, piece: str) -> Iterator[str]:
        """The text that is certain by now, markers as `[n]`."""
        self._held += piece
        begun = _BEGUN.search(self._held)
        certain = begun.start() if begun and len(begun[0]) < _LONGEST else len(self._held)
        text, self._held = self._held[:certain], self._held[certain:]
        if text:
            yield _MARKER.sub(self._verified, text)

    def end(self) -> Iterator[str]:
        """What was held back."""
        if self._held:
            yield self._held
        self._held = ""

    def _verified(self, marker: "re.Match[str]") -> str:
        kept = []
        for number in map(int, re.findall(r"\d+", marker[1])):
            there = 1 <= number <= self.sources
            if number not in (known := self.used if there else self.dropped):
                known.append(number)
            if there:
                kept.append(f"[{number}]")
        return "".join(kept)
