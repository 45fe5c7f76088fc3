"""Words as full text search knows them, the same for passages and for questions.

A word is written small, without accents and without its ending. What is written with joining
marks ("AB-1234", "e-mail", "1,234") also counts as one word without them, so that identifiers are
found however they are written. Scripts that put no spaces between words are cut into overlapping
pairs of characters, as Lucene's CJKAnalyzer does: they need no dictionary, and no new name is
missing from one.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Set
from itertools import compress, pairwise
from operator import or_
from zlib import crc32

from documents.stems import stemmed, variants

LONGEST = 64  # characters of a word; what is longer is cut
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
_PART = rf"{_LETTER}++(?:[+#]+(?!{_LETTER}))?"  # C++ and C# too
_WORD = re.compile(_PART)
_TAIL = rf"(?:[-._/:@&'’,]{_PART})+"
_COMPOUND = re.compile(rf"(?<!{_LETTER}){_PART}{_TAIL}")
_EITHER = re.compile(rf"{_PART}({_TAIL})?")  # a word; with a group, several joined
_RUN = re.compile(f"[{_UNSPACED}]+")
_JOINING = re.compile(r"[-._/:@&'’,]")
_ACCENT = re.compile("[\u0300-\u036f]")


def folded(text: str) -> str:
    """The text as words are compared: small, without accents, one form for each letter."""
    if text.isascii():
        return text.lower()
    bare = _ACCENT.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return unicodedata.normalize("NFKC", bare)


def counted(text: str, language: str) -> Counter[str]:
    """How often each word stands in a passage; of scripts without spaces, characters and pairs."""
    text = folded(text)
    words = Counter(word[:LONGEST] for word in stemmed(_WORD.findall(text), language))
    words.update(_JOINING.sub("", compound)[:LONGEST] for compound in _COMPOUND.findall(text))
    if not text.isascii():
        for run in _RUN.findall(text):
            words.update(run)
            words.update(map("".join, pairwise(run)))
    return words


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
    places = ",".join(f"{at}:{weights[at]}" for at in sorted(weights))
    return " ".join(f"'{word}'" for word in words), f"{{{places}}}/{DIMENSIONS}"


def dimension(word: str) -> int:
    """Where the word's weight stands in a `sparsevec`, from 1."""
    return crc32(word.encode()) % DIMENSIONS + 1


def asked(question: str) -> list[set[str]]:
    """The different words of a question, each in all the forms that a passage may have it in.

    Of scripts without spaces, pairs wherever there are any.
    """
    words = [folded(word) for word in _WORD.findall(question)]
    words += [word for word, _, _ in (*_compounds(question), *_pairs(question))]
    return [{word[:LONGEST], *variants(word[:LONGEST])} for word in dict.fromkeys(words)]


def spans(text: str, language: str, forms: Set[str]) -> Iterator[tuple[int, int]]:
    """Where words in one of these forms stand in a text of a language: characters, in any order."""
    found = [*_EITHER.finditer(text)]
    compounds = [match for match in found if match.lastindex]
    words = [match for match in found if not match.lastindex]
    words += [word for each in compounds for word in _WORD.finditer(text, *each.span())]
    for match in _known(words, language, forms):
        yield match.span()
    unspaced = () if all(map(str.isascii, forms)) else _pairs(text)
    for word, start, end in (*map(_joined, compounds), *unspaced):
        if word in forms:
            yield start, end


def _known(found: list[re.Match[str]], language: str, forms: Set[str]) -> Iterator[re.Match[str]]:
    words = folded("\n".join([match[0] for match in found])).split("\n")
    stems, known = stemmed(words, language), forms.__contains__
    return compress(found, map(or_, map(known, words), map(known, stems)))


Found = tuple[str, int, int]  # a word, and its place in characters


def _compounds(text: str) -> Iterator[Found]:
    return map(_joined, _COMPOUND.finditer(text))


def _joined(match: re.Match[str]) -> Found:
    return _JOINING.sub("", folded(match[0]))[:LONGEST], *match.span()


def _pairs(text: str) -> Iterator[Found]:
    """Where two characters of a script without spaces stand together, or one stands alone."""
    for match in () if text.isascii() else _RUN.finditer(text):
        run, start = match[0], match.start()
        same = folded(run)
        run = same if len(same) == len(run) else run
        width = min(2, len(run))
        for at in range(len(run) - width + 1):
            yield run[at : at + width], start + at, start + at + width


def is_unspaced(character: str) -> bool:
    """Whether it is of a script that puts no spaces between words."""
    return bool(_RUN.match(character))
