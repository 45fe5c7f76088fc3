"""Words without their endings, by the rules of the language they stand in (Snowball)."""

import threading
from collections.abc import Iterable

import Stemmer

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


# They keep what they work at in themselves, so one at a time may use them; to make them anew for
# each of a web server's threads, which live as long as a request, takes longer than a search.
_stemmers = {name: Stemmer.Stemmer(name) for name in {*_ALGORITHMS.values()}}
_turn = threading.Lock()


def stemmed(words: Iterable[str], language: str) -> list[str]:
    """The words without their endings; `language` is an ISO 639-1 code or empty."""
    algorithm = _ALGORITHMS.get(language, "english")
    with _turn:
        stems: list[str] = _stemmers[algorithm].stemWords(list(words))
    return stems


def variants(word: str) -> set[str]:
    """The stems of a word in any language, as a question does not say in which it looks."""
    with _turn:
        return {stemmer.stemWord(word) for stemmer in _stemmers.values()}
