"""Where a quotation stands in a text, to the letter or as people quote."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate

from documents.exceptions import NothingQuoted
from documents.words import is_unspaced

Span = tuple[int, int]
MOST_TRIED = 300_000  # places that look like it, before a text is taken for a trap
_BLOCK = 1024  # characters
_FRACTION = "\u2044"
_VOICING = "ﾞﾟ"  # of half width: marks, though Unicode calls them letters
# Marks that people leave out: the points of Hebrew and Arabic, joiners without a look, and which of
# a sign's looks is meant. Tatweel only makes a word longer.
_LEFT_OUT = re.compile(
    "[\u034f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06ed"
    "\u17b4\u17b5\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)


def exactly(text: str, quote: str) -> Iterator[Span]:
    """Where it stands to the letter, as whole words."""
    for at in _positions(text, quote):
        if not _cuts_word(text, at) and not _cuts_word(text, at + len(quote)):
            yield at, at + len(quote)


def loosely(text: str, quote: str) -> Iterator[Span]:
    """Where its letters, digits and their marks stand, as whole words, whatever is between them.

    Raises NothingQuoted if it has none.
    """
    letters = _Letters()
    wanted = unicodedata.normalize("NFC", quote).translate(letters)
    if not wanted:
        raise NothingQuoted
    bare = _Bare(text, letters)
    for at in _positions(bare.text, wanted):
        if span := bare.span(at, at + len(wanted)):
            yield span


def _positions(text: str, wanted: str) -> Iterator[int]:
    """All of them, or as many as take no longer than some looks at the text.

    Only what repeats itself throughout overlaps itself so often that this leaves any out.
    """
    at = text.find(wanted) if wanted else -1
    left = min(MOST_TRIED, 100 + 4 * len(text) // max(1, len(wanted)))
    while at >= 0 and left:
        yield at
        at, left = text.find(wanted, at + 1), left - 1


class _Letters(dict[int, str | None]):
    """A character -> what is compared of it, for `str.translate`: letters, digits and marks, small
    and taken apart, so that the same is the same however it was written."""

    def __missing__(self, code: int) -> str | None:
        apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", chr(code)).casefold())
        apart = chr(code) if _FRACTION in apart else apart  # 1½ is not 112
        kept = "".join(c for c in apart if _is_of_word(c) and not _LEFT_OUT.match(c))
        self[code] = kept or None  # with which ASCII is translated several times as fast
        return self[code]


class _Bare:
    """A text's letters, digits and marks alone, and where they come from."""

    def __init__(self, text: str, letters: _Letters) -> None:
        self._whole, self._letters = text, letters
        blocks = [text[at : at + _BLOCK].translate(letters) for at in range(0, len(text), _BLOCK)]
        self.text = "".join(blocks)
        self._starts = [0, *accumulate(map(len, blocks))]
        self._origins = lru_cache(maxsize=4)(self._origins_of)

    def span(self, start: int, end: int) -> Span | None:
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
        """Of each letter of a block: the character it comes from."""
        first = block * _BLOCK
        whole = enumerate(self._whole[first : first + _BLOCK], first)
        return [at for at, char in whole for _ in self._letters[ord(char)] or ""]

    def _after_marks(self, at: int) -> int:
        """Past the marks of the last letter that are not compared."""
        while at < len(self._whole) and _is_mark(char := self._whole[at]):
            if self._letters[ord(char)]:
                break
            at += 1
        return at


def _cuts_word(text: str, at: int) -> bool:
    """Whether a word goes on over this place; scripts without spaces have no such places, but
    between a letter and its mark."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if _is_mark(after) or after in _VOICING:
        return _is_of_word(before)
    return _is_of_word(before) and after.isalnum() and not any(map(is_unspaced, (before, after)))


def _is_of_word(character: str) -> bool:
    return character.isalnum() or _is_mark(character)


def _is_mark(character: str) -> bool:
    """Whether it belongs to the letter before it; what encloses one is a sign."""
    return unicodedata.category(character) in ("Mn", "Mc")
