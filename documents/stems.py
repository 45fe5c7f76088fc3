"""Stems words by the rules of their language (Snowball) and writes letters like ø plainly.

Whoever changes the rules must raise `words.RULES`.
"""

import threading
from collections.abc import Iterable

import Stemmer

from documents.stop_words import STOP_WORDS

# By language code. An unknown language is taken for English: notes are often too short to tell.
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
KEPT = 10_000  # words cached per algorithm, as a stemmer would; 26 MB if all caches are full
LONGEST_KEPT = 40  # characters
# Letters that Unicode does not decompose but people often write this way. Replaced after stemming,
# because the rules know endings by them.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "ð": "d",
     "þ": "th"}
)  # fmt: skip
# A stemmer is not thread-safe, so one thread at a time uses it; making one per thread would take
# longer than a search, because a web server's threads live only as long as a request.
_turn = threading.Lock()


class _Stems(dict[str, str]):
    """A cache of word -> stem for one algorithm. A stemmer's own cache is five times as slow."""

    def __init__(self, algorithm: str) -> None:
        super().__init__()
        self._stemmer = Stemmer.Stemmer(algorithm, 0)

    def __missing__(self, word: str) -> str:
        with _turn:
            stem: str = self._stemmer.stemWord(word).translate(_PLAIN)
        # Some words leave nothing ("όταν", "को") or a letter ("time", in Turkish), and "anders"
        # must not become the stop word "and".
        if len(stem) < SHORTEST or stem in STOP_WORDS:
            stem = word
        if len(self) >= KEPT:
            self.clear()
        if len(word) <= LONGEST_KEPT:
            self[word] = stem
        return stem


_stems = {name: _Stems(name) for name in {*_ALGORITHMS.values()}}


def stemmed(words: Iterable[str], language: str) -> list[str]:
    """The words' stems; `language` is an ISO 639-1 code or empty."""
    return list(map(_of(language).__getitem__, words))


def variants(word: str, languages: Iterable[str]) -> set[str]:
    """The stems of a word in each language, as a question does not say which one it is in."""
    return {_of(language)[word] for language in languages}


def _of(language: str) -> _Stems:
    return _stems[_ALGORITHMS.get(language, "english")]
