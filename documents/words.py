"""Words as full text search knows them, the same for passages and for questions.

A word is written small, without accents and without its ending. What is written with joining
marks ("AB-1234", "e-mail", "1,234") also counts as one word without them, so that identifiers are
found however they are written, also within longer ones ("AB-1234/5"). Scripts that put no spaces
between words are cut into overlapping pairs of characters, as Lucene's CJKAnalyzer does: they need
no dictionary, and no new name is missing from one.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain, compress, pairwise
from operator import or_
from zlib import crc32

from documents.stems import stemmed, variants

# Raised by one whenever a passage may get other words than before: see `documents.reindexing`.
RULES = 3
Span = tuple[int, int]
LONGEST = 64  # characters of a word; what is longer is cut
LONGEST_IDENTIFIER = 24  # of those within longer ones
DIMENSIONS = 1_000_000_000  # pgvector's most
K1, B = 0.9, 0.4  # Anserini's, and better than 1.2 and 0.75 on XQuAD, English and Chinese
AVERAGE_WORDS = 180  # of a passage of 256 tokens
# Thai, Lao, Myanmar, Hangul, Khmer, Kana, Han: none of them has spaces that can be relied on.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_ASTRAL = "\U00010000-\U0001ffff"  # old scripts, letters of mathematics, pictures


def _letters() -> str:
    """Letters, digits and their marks, which Python's `\\w` leaves out, as a character class."""
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
# Of joined words, what stands between /:@&, and has digits and joining marks.
_OF_PIECE = "[^/:@&,]"
_PIECE = re.compile(rf"(?<!{_OF_PIECE})(?={_OF_PIECE}*\d){_OF_PIECE}*?[{_HYPHENS}._'’]{_OF_PIECE}*")
_IN_PIECE = re.compile(f"[^{_HYPHENS}._'’]+")
_MIXED = re.compile(r"[^\W\d_]\d|\d[^\W\d_]")
# Of all scripts that Unicode takes apart, the points of Hebrew, the vowels and lines of Arabic.
_ACCENT = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670]"
)
# A note's number at a word ("methods9"), a unit or ending at a figure ("500mg", "1990s").
_GLUED = re.compile(
    r"([^\W\d_]{3,})[\d\xb2\xb3\xb9\u2070-\u2079]{1,2}"
    r"|(\d+)(?:(?:st|nd|rd|th|[^\W\d_])|([^\W\d_]{2,3}))",
    re.IGNORECASE,
)
_MARKS = "".join(c for c in map(chr, range(0xE00, 0x3100)) if unicodedata.category(c)[0] == "M")
# A character of a script without spaces with all that may become one with it.
_CLUSTER = re.compile(f".[{_MARKS}\u1160-\u11ff\uff9e\uff9f]*")
_TRADE = {ord(sign): " " for sign in "™℠"}  # else Acme™ is one word, "acmetm"
# Figures with thousands apart ("25 000", "1,250.00"), which are one word without the rest too.
_AMOUNT = re.compile(
    r"([0-9](?<![\w.,'’][0-9])[0-9]{0,2}(?:([ \xa0\u2009\u202f.,'’])[0-9]{3})(?:\2[0-9]{3})*)"
    r"((?!\2)[.,][0-9]{1,2})?(?!\w|[.,'’][0-9]|\2[0-9])"
)
# What is written otherwise, character for character: digits of other scripts, wide signs.
_WIDE = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_DIGITS = {
    ord(c): str(unicodedata.decimal(c)) for c in map(chr, range(0x80, 0x20000)) if c.isdecimal()
}
_PLAIN = _DIGITS | _WIDE
_OTHERWISE = frozenset(map(chr, _PLAIN))
_UNSEEN = dict.fromkeys(map(ord, "\xad\u200b\u2060\ufeff"))  # that texts are read without


def folded(text: str) -> str:
    """The text as words are compared: small, without accents, one form for each letter."""
    if text.isascii():
        return text.lower()
    text = _plain(text)
    text = text.translate(_TRADE) if "™" in text or "℠" in text else text
    bare = _ACCENT.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return unicodedata.normalize("NFKC", bare)


def _plain(text: str) -> str:
    return text if _OTHERWISE.isdisjoint(text) else text.translate(_PLAIN)


def counted(text: str, language: str) -> Counter[str]:
    """How often each word stands in a passage; of scripts without spaces, characters and pairs."""
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
    """Where figures stand of which joined words do not tell all: those with thousands apart by
    spaces, or with decimals; and their whole numbers."""
    for found in _AMOUNT.finditer(text):
        if found[2].isspace() or found[3]:
            yield found.span(), found[1].replace(found[2], "")


def _parts(words: Iterable[str]) -> list[str]:
    """What of these words counts as a word too."""
    mixed = [word for word in words if not word.isalpha() and not word.isdecimal()]
    glued = filter(None, map(_GLUED.fullmatch, mixed))
    return [part for match in glued for part in match.groups() if part]


def indexed(text: str, language: str) -> tuple[str, str]:
    """The words of a passage as Postgres reads a `tsvector`, and their weights as a `sparsevec`.

    `language` is an ISO 639-1 code or empty.
    The weights are BM25's without the rarity of the word, which is the question's part (Robertson
    and Zaragoza, "The Probabilistic Relevance Framework", 2009); so the inner product of both is
    BM25. Two words in one dimension are as good as impossible in a passage.
    """
    words = counted(text, language)
    saturated = K1 * (1 - B + B * words.total() / AVERAGE_WORDS)
    weight = {times: f"{times * (K1 + 1) / (times + saturated):.3f}" for times in {*words.values()}}
    weights = {dimension(word): weight[times] for word, times in words.items()}
    return "'" + "' '".join(words) + "'" if words else "", sparse(weights)


def sparse(weights: Mapping[int, str]) -> str:
    """Weights, by their dimensions, as Postgres reads a `sparsevec`."""
    places = ",".join([f"{at}:{weight}" for at, weight in weights.items()])
    return f"{{{places}}}/{DIMENSIONS}"


def dimension(word: str) -> int:
    """Where the word's weight stands in a `sparsevec`, from 1."""
    return crc32(word.encode()) % DIMENSIONS + 1


def asked(question: str, languages: Collection[str]) -> list[set[str]]:
    """The different words of a question, each in all the forms that a passage may have it in.

    `languages` are those of the documents, ISO 639-1 codes or empty. Of scripts without spaces,
    pairs wherever there are any.
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
    """Whether it is figures and identifiers, with one other word at most ("ticket 4711"): they mean
    what is written."""
    found = [match[0] for match in _EITHER.finditer(folded(question))]
    named = sum(any(map(str.isdigit, word)) for word in found)
    return 0 < len(found) <= named + min(named, 1) and not _RUN.search(question)


def spans(
    text: str, language: str, forms: Set[str], others: Set[str] = frozenset()
) -> Iterator[Span]:
    """Where words in one of these forms stand in a text of a language: characters, in any order.

    The other forms are those of other languages: of words as they are written alone, for whose own
    stems they say nothing ("white" is not "why").
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
    """Where those parts of words stand that `_parts` tells of."""
    glued = filter(None, (_GLUED.fullmatch(text, *place) for place in places))
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
    """Where several joined words stand that count as one, too."""
    yield match.span()
    for piece in _PIECE.finditer(match[0]):
        parts = [*_IN_PIECE.finditer(match[0], *piece.span())]
        for first, end in _identifiers([part[0] for part in parts]):
            span = match.start() + parts[first].start(), match.start() + parts[end - 1].end()
            if span != match.span():
                yield span


def _within(compound: str, word: str) -> list[str]:
    """The identifiers within joined words, which together are this word."""
    found: list[str] = []
    for piece in _PIECE.findall(compound):
        found += _identifiers(_IN_PIECE.findall(piece)).values()
    return [each for each in found if each != word]


def _identifiers(parts: Sequence[str]) -> dict[Span, str]:
    """Which of some joined words may be an identifier together, from and to.

    What they begin with, `CD-9876` of `CD-9876-B`, and digits behind letters. Of words alone and of
    numbers alone there would be too many, and nobody looks for them.
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
    """Where pairs of characters of scripts without spaces stand, or one, if they are in `forms`."""
    widths = {len(form) for form in forms if not form.isascii() and is_unspaced(form)}
    for match in _RUN.finditer(text) if widths else ():
        run, at = folded(match[0]), match.start()
        starts, ends = _origins(match[0], run)
        for width in widths:
            for first in range(len(run) - width + 1):
                if run[first : first + width] in forms:
                    yield at + starts[first], at + ends[first + width - 1]


def _origins(run: str, same: str) -> tuple[Sequence[int], Sequence[int]]:
    """Where that of which a character of the folded run was made begins and ends in the run."""
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
    """Whether it is of a script that puts no spaces between words."""
    return bool(_RUN.match(character))
