"""Words without their endings, by the rules of the language they stand in (Snowball).

Letters like ø are written plainly in them. Other rules make other words: see `words.RULES`.
"""

import threading
from collections.abc import Iterable

import Stemmer

from documents.grammar import GRAMMAR

# By the codes that documents have. What is in no language that we know is taken for English: notes
# are often too short to tell.
_ALGORITHMS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian",
    "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian",
    "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali",
    "nl": "dutch", "nb": "norwegian", "nn": "norwegian", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "st": "sesotho",
    "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip


SHORTEST = 2  # letters of a stem
KEPT = 10_000  # words of each language, as a stemmer would; 26 MB where all are full
LONGEST_KEPT = 40  # characters
# Letters that are no others with a mark, as Unicode sees them, and are often written so. Behind the
# stem: endings are known by them.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d",
     "þ": "th"}
)  # fmt: skip
# A stemmer keeps what it works at in itself, so one at a time may use them; to make them anew for
# each of a web server's threads, which live as long as a request, takes longer than a search.
_turn = threading.Lock()


class _Stems(dict[str, str]):
    """A word -> its stem, by one algorithm. A stemmer's own memory takes five times as long."""

    def __init__(self, algorithm: str) -> None:
        super().__init__()
        self._stemmer = Stemmer.Stemmer(algorithm, 0)

    def __missing__(self, word: str) -> str:
        with _turn:
            stem: str = self._stemmer.stemWord(word).translate(_PLAIN)
        # Of some words nothing is left ("όταν", "को") or a letter ("time", in Turkish). "Anders" is
        # no "and", which is everywhere.
        if len(stem) < SHORTEST or stem in GRAMMAR:
            stem = word
        if len(self) >= KEPT:
            self.clear()
        if len(word) <= LONGEST_KEPT:
            self[word] = stem
        return stem


_stems = {name: _Stems(name) for name in {*_ALGORITHMS.values()}}


def stemmed(words: Iterable[str], language: str) -> list[str]:
    """The words without their endings; `language` is an ISO 639-1 code or empty."""
    return list(map(_of(language).__getitem__, words))


def variants(word: str, languages: Iterable[str]) -> set[str]:
    """The stems of a word in each of the languages, as a question does not say its own."""
    return {_of(language)[word] for language in languages}


def _of(language: str) -> _Stems:
    return _stems[_ALGORITHMS.get(language, "english")]
