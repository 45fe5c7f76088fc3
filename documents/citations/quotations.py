"""Finds a quotation in a text, exactly or as people quote."""

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

from documents.citations.gaps import Between
from documents.citations.letters import Letters, is_mark, is_of_word
from documents.exceptions import NothingQuoted
from documents.words import is_unspaced

Span = tuple[int, int]
MOST_TRIED = 300_000  # candidate places; more only occur in malicious texts
_BLOCK = 1024  # characters
_VOICING = "ﾞﾟ"  # half-width voicing marks, which Unicode calls letters


def exactly(text: str, quote: str) -> Iterator[Span]:
    """Where it occurs character by character, as whole words and numbers."""
    between, letters = Between(quote), Letters()
    own = [at for at, char in enumerate(quote) if letters[ord(char)]] or [0]
    for at in _positions(text, quote):
        if _cuts_word(text, at) or _cuts_word(text, at + len(quote)):
            continue
        if between.ends_at(text, (at + own[0], at + own[-1] + 1)):
            yield at, at + len(quote)


def loosely(text: str, quote: str) -> Iterator[Span]:
    """Where its letters, digits and diacritics occur, as whole words and numbers, with anything in
    between that does not change them.

    Raises NothingQuoted if it has none.
    """
    letters, quote = Letters(), unicodedata.normalize("NFC", quote)
    wanted = quote.translate(letters)
    if not wanted:
        raise NothingQuoted
    bare, between = _Bare(text, letters), Between(quote)
    for span in _within_reason(bare.spans(wanted), 3 * len(text) + 100 * len(quote)):
        if between.stands_at(text, span):
            yield between.with_signs(text, span)


def _within_reason(spans: Iterator[Span], left: int) -> Iterator[Span]:
    """The spans up to `left` characters in all: only in malicious texts they overlap so often."""
    for start, end in spans:
        left -= end - start
        if left < 0:
            return
        yield start, end


def _positions(text: str, wanted: str) -> Iterator[int]:
    """All occurrences, up to a number that bounds the time to a few passes over the text.

    Only a text that repeats itself throughout has more.
    """
    at = text.find(wanted) if wanted else -1
    left = min(MOST_TRIED, 100 + 4 * len(text) // max(1, len(wanted)))
    while at >= 0 and left:
        yield at
        at, left = text.find(wanted, at + 1), left - 1


class _Bare:
    """A text's letters, digits and diacritics alone, with their origins."""

    def __init__(self, text: str, letters: Letters) -> None:
        self._whole, self._letters = text, letters
        blocks = [text[at : at + _BLOCK].translate(letters) for at in range(0, len(text), _BLOCK)]
        self.text = "".join(blocks)
        self._starts = [0, *accumulate(map(len, blocks))]
        self._origins = lru_cache(maxsize=4)(self._origins_of)

    def spans(self, wanted: str) -> Iterator[Span]:
        """Where these letters occur in the whole text, as whole words."""
        for at in _positions(self.text, wanted):
            if span := self._span(at, at + len(wanted)):
                yield span

    def _span(self, start: int, end: int) -> Span | None:
        """The span of these letters in the whole text; None if it begins or ends within a word."""
        first, last = self._origin(start), self._origin(end - 1)
        if start and self._origin(start - 1) == first:
            return None
        if end < len(self.text) and self._origin(end) == last:
            return None
        if _cuts_word(self._whole, first):
            return None
        after = self._after_marks(last + 1)
        return None if _cuts_word(self._whole, after) else (first, after)

    def _origin(self, at: int) -> int:
        block = bisect_right(self._starts, at) - 1
        return self._origins(block)[at - self._starts[block]]

    def _origins_of(self, block: int) -> list[int]:
        """For each letter of a block, the index of the character it comes from."""
        first = block * _BLOCK
        whole = enumerate(self._whole[first : first + _BLOCK], first)
        return [at for at, char in whole for _ in self._letters[ord(char)] or ""]

    def _after_marks(self, at: int) -> int:
        """Past the marks of the last letter that are not compared."""
        while at < len(self._whole) and is_mark(char := self._whole[at]):
            if self._letters[ord(char)]:
                break
            at += 1
        return at


def _cuts_word(text: str, at: int) -> bool:
    """Whether this place is inside a word; in scripts without spaces only between a letter and its
    mark."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if is_mark(after) or after in _VOICING:
        return is_of_word(before)
    return is_of_word(before) and after.isalnum() and not any(map(is_unspaced, (before, after)))
