"""Parses citations in a streamed answer: `[3]`, `[1, 2]`, `[1–3]`, `[source 3]`, 【3†source】.
Removes those that name no source. Years in brackets, and code between backticks, are left alone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_OPEN, _CLOSE = re.escape("[【［〔"), re.escape("]】］〕")
_COMMA, _TO = ",，、،;；؛&和与", r"\-‐‑–—−~～〜"
_WORD = r"(?:(?:sources?|passages?|citations?|quellen?|来源|段落|引用)(?:\s*[:：])?\s*|#)"
_NUMBERS = rf"{_WORD}?\d{{1,9}}(?:\s*[{_TO}]\s*\d{{1,9}})?"
_RANGE = re.compile(rf"(\d+)(?:\s*[{_TO}]\s*(\d+))?")
_LIST = rf"{_NUMBERS}(?:[\s{_COMMA}]+(?:(?:and|und)\s+)?{_NUMBERS})*"
_NOTE = rf"†[^{_CLOSE}\n]{{0,50}}"  # "†source", as some models are taught
_GROUPED = rf"\d+(?:\s\d{{3}})+[{_CLOSE}]"  # 10 000
_MARKER = rf"[{_OPEN}](?!{_GROUPED})\s*\^?{_LIST}\s*(?:{_NOTE})?[{_CLOSE}]"
_READ = re.compile(rf"(?P<ticks>`+)|(?P<line>\n)|{_MARKER}", re.IGNORECASE)
# A possible beginning of one, and the length beyond which it is none.
_BEGUN = re.compile(rf"(?:[{_OPEN}][^{_OPEN}{_CLOSE}]*|`+)$")
_LONGEST = 120
_HIGHEST = 999  # more than the sources: a marker with only higher numbers is a year or the like
_MOST_OF_A_RANGE = 20  # numbers; of a longer range only the ends count


@dataclass
class Citations:
    """Reads an answer; `sources` is how many there are, numbered from 1."""

    sources: int
    used: list[int] = field(default_factory=list)  # in the order of their first use
    dropped: list[int] = field(default_factory=list)  # numbers of no source
    _held: str = ""
    _code: str = ""  # the backticks that began it

    def take(self, piece: str) -> Iterator[str]:
        """The text that can be decided by now, with markers as `[n]`."""
        self._held += piece
        begun = _BEGUN.search(self._held)
        certain = begun.start() if begun and len(begun[0]) < _LONGEST else len(self._held)
        text, self._held = self._held[:certain], self._held[certain:]
        if text:
            yield _READ.sub(self._read, text)

    def end(self) -> Iterator[str]:
        """The text that was held back."""
        if self._held:
            yield self._held
        self._held = ""

    def _read(self, found: "re.Match[str]") -> str:
        if ticks := found["ticks"]:
            self._code = "" if ticks == self._code else self._code or ticks
        elif found["line"]:
            self._code = self._code if len(self._code) >= len("```") else ""
        elif not self._code:
            return self._verified(found[0])
        return found[0]

    def _verified(self, marker: str) -> str:
        kept, numbers = [], list(_numbers(marker.partition("†")[0]))
        if min(numbers) > _HIGHEST and not set(marker) & {"†", "^"}:
            return marker
        for number in numbers:
            there = 1 <= number <= self.sources
            if number not in (known := self.used if there else self.dropped):
                known.append(number)
            if there:
                kept.append(f"[{number}]")
        return "".join(kept)


def _numbers(marker: str) -> Iterator[int]:
    for found in _RANGE.finditer(marker):
        first, last = int(found[1]), int(found[2] or found[1])
        if first <= last < first + _MOST_OF_A_RANGE:
            yield from range(first, last + 1)
        else:
            yield from (first, last)
