"""Splits texts into words for full text search, the same way for passages and for questions.

A word is lower case, without accents and stemmed. What is written with joining marks ("AB-1234",
"e-mail", "1,234") also counts as one word without them, so that identifiers are found however they
are written, also within longer ones ("AB-1234/5"). Scripts that put no spaces between words are cut
into overlapping pairs of characters, as Lucene's CJKAnalyzer does: that needs no dictionary, which
would lack new names.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from itertools import chain, compress, pairwise
from operator import or_

from documents.stems import stemmed, variants

# Raise by one whenever passages may get different words than before: see `documents.reindexing`.
RULES = 4
Span = tuple[int, int]
LONGEST = 64  # characters of a word; longer ones are cut
LONGEST_IDENTIFIER = 24  # characters of an identifier within a longer one
# Thai, Lao, Myanmar, Hangul, Khmer, Kana, Han: in none of them can spaces be relied on.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_ASTRAL = "\U00010000-\U0001ffff"  # old scripts, letters of mathematics, pictures


def _letters() -> str:
    """A character class of letters, digits and combining marks, which Python's `\\w` lacks."""
    unspaced = re.compile(f"[{_UNSPACED}]")
    found = (
        c
        for c in map(chr, range(0x10000))
        if (c.isalnum() or unicodedata.category(c)[0] == "M") and not unspaced.match(c)
    )
    return "".join(found) + _ASTRAL


_LETTER = f"[{_letters()}]"
_PART = rf"{_LETTER}++(?:[+#](?:[+#]++|(?!{_LETTER})))?"  # C++ and C# too, and C++17; not a+b
_WORD = re.compile(_PART)
_HYPHENS = "-\u2010\u2011"  # of keyboards, of printing, one that no line ends at
_TAIL = rf"(?:[{_HYPHENS}._/:@&'’,]{_PART})+"
_COMPOUND = re.compile(rf"(?<!{_LETTER}){_PART}{_TAIL}")
_EITHER = re.compile(rf"{_PART}({_TAIL})?")  # a word; with a group, several joined
_RUN = re.compile(f"[{_UNSPACED}]+")
_JOINING = re.compile(rf"[{_HYPHENS}._/:@&'’,]")
# The parts of joined words between /:@&, that have digits and joining marks.
_OF_PIECE = "[^/:@&,]"
_PIECE = re.compile(rf"(?<!{_OF_PIECE})(?={_OF_PIECE}*\d){_OF_PIECE}*?[{_HYPHENS}._'’]{_OF_PIECE}*")
_IN_PIECE = re.compile(f"[^{_HYPHENS}._'’]+")
# Up to two such characters beside digits belong to the number: "33年", "第3章".
_COUNTER = re.compile(
    rf"(?<=\d)[{_UNSPACED}]{{1,2}}(?![{_UNSPACED}])|(?<![{_UNSPACED}])[{_UNSPACED}]{{1,2}}(?=\d)"
)
_UNSPACED_WORD = 4  # characters that may be one word where no spaces tell: "平方公里"
_MIXED = re.compile(r"[^\W\d_]\d|\d[^\W\d_]")
# Accents of all scripts that Unicode decomposes, Hebrew points, Arabic vowels and tatweel.
_ACCENT = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670]"
)
# A note number behind a word ("methods9"), a unit or ending behind a number ("500mg", "1990s").
_GLUED = re.compile(
    r"([^\W\d_]{3,})[\d\xb2\xb3\xb9\u2070-\u2079]{1,2}"
    r"|(\d+)(?:(?:st|nd|rd|th|[^\W\d_])|([^\W\d_]{2,3}))",
    re.IGNORECASE,
)
_MARKS = "".join(c for c in map(chr, range(0xE00, 0x3100)) if unicodedata.category(c)[0] == "M")
# A character of a script without spaces, with the marks that may combine with it.
_CLUSTER = re.compile(f".[{_MARKS}\u1160-\u11ff\uff9e\uff9f]*")
_TRADE = {ord(sign): " " for sign in "™℠"}  # else Acme™ is one word, "acmetm"
# Numbers with separated thousands ("25 000", "1,250.00"): also indexed as one plain whole number.
_AMOUNT = re.compile(
    r"([0-9](?<![\w.,'’][0-9])[0-9]{0,2}(?:([ \xa0\u2009\u202f.,'’])[0-9]{3})(?:\2[0-9]{3})*)"
    r"((?!\2)[.,][0-9]{1,2})?(?!\w|[.,'’][0-9]|\2[0-9])"
)
# One for one: digits of other scripts and full-width characters to ASCII.
_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_DIGITS = {
    ord(c): str(unicodedata.decimal(c)) for c in map(chr, range(0x80, 0x20000)) if c.isdecimal()
}
_PLAIN = _DIGITS | _WIDE
_OTHERWISE = frozenset(map(chr, _PLAIN))
_UNSEEN = dict.fromkeys(map(ord, "\xad\u200b\u2060\ufeff"))  # documents are read without these


def folded(text: str) -> str:
    """The text as words are compared: case folded, without accents, NFKC."""
    if text.isascii():
        return text.lower()
    text = _plain(text)
    text = text.translate(_TRADE) if "™" in text or "℠" in text else text
    bare = _ACCENT.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return unicodedata.normalize("NFKC", bare)


def _plain(text: str) -> str:
    return text if _OTHERWISE.isdisjoint(text) else text.translate(_PLAIN)


def word_counts(text: str, language: str) -> Counter[str]:
    """How often each word occurs in a passage; for scripts without spaces, characters and pairs."""
    text = folded(text)
    found = _WORD.findall(text)
    words = Counter(word[:LONGEST] for word in stemmed(found + _parts(found), language))
    compounds = _COMPOUND.findall(text)
    joined = [_JOINING.sub("", compound) for compound in compounds]
    words.update(word[:LONGEST] for word in joined)
    for compound, word in zip(compounds, joined, strict=True):
        if len(compound) > len(word) + 1 and not word.isalpha() and not word.isdecimal():
            words.update(_within(compound, word))
    words.update(whole for _, whole in _amounts(text))
    if not text.isascii():
        for run in _RUN.findall(text):
            words.update(run)
            words.update(map("".join, pairwise(run)))
    return words


def _amounts(text: str) -> Iterator[tuple[Span, str]]:
    """The spans and plain whole numbers of those that joining words does not cover: with spaces
    between the thousands, or with decimals."""
    for found in _AMOUNT.finditer(text):
        if found[2].isspace() or found[3]:
            yield found.span(), found[1].replace(found[2], "")


def _parts(words: Iterable[str]) -> list[str]:
    """The parts of these words that count as words too."""
    mixed = [word for word in words if not word.isalpha() and not word.isdecimal()]
    glued = filter(None, map(_GLUED.fullmatch, mixed))
    return [part for match in glued for part in match.groups() if part]


def query_words(question: str, languages: Collection[str]) -> list[set[str]]:
    """The distinct words of a question, each as the set of forms that a passage may have.

    `languages` are those of the documents, ISO 639-1 codes or empty. Scripts without spaces give
    pairs of characters, or the character itself where it stands alone.
    """
    question = folded(question.translate(_UNSEEN))
    words = _WORD.findall(question)
    words += _parts(words)
    words += [_JOINING.sub("", compound) for compound in _COMPOUND.findall(question)]
    words += [whole for _, whole in _amounts(question)]
    for run in _RUN.findall(question):
        words += map("".join, pairwise(run)) if len(run) > 1 else run
    different = dict.fromkeys(word[:LONGEST] for word in words)
    return [{word, *variants(word, languages)} for word in different]


def is_exact(question: str) -> bool:
    """Whether it is numbers and identifiers, with at most one other word ("ticket 4711")."""
    text = folded(question)
    found = [match[0] for match in _EITHER.finditer(text)]
    named = sum(any(map(str.isdigit, word)) for word in found)
    others = len(found) - named + sum(map(_words_of, _RUN.findall(_COUNTER.sub(" ", text))))
    return named > 0 and others <= 1


def _words_of(run: str) -> int:
    """How many words a run without spaces may be at least."""
    return math.ceil(len(run) / _UNSPACED_WORD)


def spans(
    text: str, language: str, forms: Set[str], others: Set[str] = frozenset()
) -> Iterator[Span]:
    """The (start, end) of each word in one of these forms in a text: characters, in any order.

    The `others` are forms of other languages: they match words as written, not their stems
    ("white" is not "why").
    """
    text = _plain(text)
    found = [*_EITHER.finditer(text)]
    compounds = [match for match in found if match.lastindex]
    words = [match for match in found if not match.lastindex]
    words += [word for each in compounds for word in _WORD.finditer(text, *each.span())]
    places = [match.span() for match in words]
    yield from _known(places + _glued(text, places), text, language, forms, others)
    for start, end in chain.from_iterable(map(_joined, compounds)):
        if _bare(text[start:end]) in forms:
            yield start, end
    yield from (span for span, whole in _amounts(text) if whole in forms)
    yield from _unspaced(text, forms)


def _glued(text: str, places: Iterable[Span]) -> list[Span]:
    """The spans of the parts of words that `_parts` finds."""
    mixed = (place for place in places if not text[slice(*place)].isalpha())
    glued = filter(None, (_GLUED.fullmatch(text, *place) for place in mixed))
    return [span for match in glued for span in match.regs[1:] if span[0] >= 0]


def _known(
    found: Sequence[Span], text: str, language: str, forms: Set[str], others: Set[str]
) -> Iterator[Span]:
    words = folded("\n".join([text[start:end] for start, end in found])).split("\n")
    written = map((forms | others).__contains__, words)
    return compress(found, map(or_, written, map(forms.__contains__, stemmed(words, language))))


def _bare(compound: str) -> str:
    return _JOINING.sub("", folded(compound))[:LONGEST]


def _joined(match: re.Match[str]) -> Iterator[Span]:
    """The spans of joined words that also count as one word."""
    yield match.span()
    for piece in _PIECE.finditer(match[0]):
        parts = [*_IN_PIECE.finditer(match[0], *piece.span())]
        for first, end in _identifiers([part[0] for part in parts]):
            span = match.start() + parts[first].start(), match.start() + parts[end - 1].end()
            if span != match.span():
                yield span


def _within(compound: str, word: str) -> list[str]:
    """The identifiers within joined words, other than `word`, which is all of them together."""
    found: list[str] = []
    for piece in _PIECE.findall(compound):
        found += _identifiers(_IN_PIECE.findall(piece)).values()
    return [each for each in found if each != word]


def _identifiers(parts: Sequence[str]) -> dict[Span, str]:
    """Which runs of joined words may be an identifier: (first, end) -> the identifier.

    The first two or three (`CD-9876` of `CD-9876-B`), all, and digits behind letters. Words alone
    and numbers alone would be too many, and nobody looks for them.
    """
    count = len(parts)
    places = {(0, 2), (0, min(3, count)), (0, count)}
    for at in range(1, count - 1):
        if parts[at + 1][0].isdigit() and parts[at][-1].isalpha():
            places.add((at, at + 2))
    found = {(at, end): "".join(parts[at:end]) for at, end in places}
    return {
        place: word
        for place, word in found.items()
        if len(word) <= LONGEST_IDENTIFIER and _MIXED.search(word)
    }


def _unspaced(text: str, forms: Set[str]) -> Iterator[Span]:
    """The spans of characters and pairs of scripts without spaces that are in `forms`."""
    widths = {len(form) for form in forms if not form.isascii() and is_unspaced(form)}
    for match in _RUN.finditer(text) if widths else ():
        run, at = folded(match[0]), match.start()
        starts, ends = _origins(match[0], run)
        for width in widths:
            for first in range(len(run) - width + 1):
                if run[first : first + width] in forms:
                    yield at + starts[first], at + ends[first + width - 1]


def _origins(run: str, same: str) -> tuple[Sequence[int], Sequence[int]]:
    """For each character of the folded run, where its origin begins and ends in the run."""
    if run == same:
        return range(len(run)), range(1, len(run) + 1)
    starts: list[int] = []
    ends: list[int] = []
    for cluster in _CLUSTER.finditer(run):
        length = len(folded(cluster[0]))
        starts += [cluster.start()] * length
        ends += [cluster.end()] * length
    if len(starts) == len(same):
        return starts, ends
    return [0] * len(same), [len(run)] * len(same)


def is_unspaced(character: str) -> bool:
    """Whether the character is of a script that puts no spaces between words."""
    return bool(_RUN.match(character))
