"""The words of passages and how much they weigh, as full text search compares them: BM25."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePath
from zlib import crc32

from documents.words import word_counts

DIMENSIONS = 1_000_000_000  # pgvector's maximum
K1, B = 0.9, 0.4  # Anserini's, and better than 1.2 and 0.75 on XQuAD, English and Chinese
AVERAGE_WORDS = 180  # of a passage of 256 tokens
# How often a word occurs in a passage because its document's name has it: enough to be found.
OF_NAME = 0.1


def indexed(text: str, language: str, name: str) -> tuple[str, str]:
    """The words of a passage as a `tsvector` literal, and their weights as a `sparsevec` literal.

    `language` is an ISO 639-1 code or empty. The words of its document's file name are found in
    each of its passages, with little weight: all of `Lease 2024.pdf` is about that lease.
    The weights are BM25's term frequency part; the question's vector holds the inverse document
    frequency, so that the inner product of both is BM25 (Robertson and Zaragoza, "The Probabilistic
    Relevance Framework", 2009). Two words of one passage hardly ever share a dimension.
    Whoever changes them must raise `words.RULES`.
    """
    words: dict[str, float] = {**word_counts(text, language)}
    saturated = K1 * (1 - B + B * sum(words.values()) / AVERAGE_WORDS)
    for word in _of_name(name, language):
        words[word] = words.get(word, 0) + OF_NAME
    weight = {times: f"{times * (K1 + 1) / (times + saturated):.3f}" for times in {*words.values()}}
    weights = {dimension(word): weight[times] for word, times in words.items()}
    return "'" + "' '".join(words) + "'" if words else "", sparse(weights)


@lru_cache(maxsize=8)
def _of_name(name: str, language: str) -> frozenset[str]:
    return frozenset(word_counts(PurePath(name).stem, language))


def sparse(weights: Mapping[int, str]) -> str:
    """Weights by dimension as a `sparsevec` literal."""
    places = ",".join([f"{at}:{weight}" for at, weight in weights.items()])
    return f"{{{places}}}/{DIMENSIONS}"


def dimension(word: str) -> int:
    """The word's index in a `sparsevec`, from 1."""
    return crc32(word.encode()) % DIMENSIONS + 1
