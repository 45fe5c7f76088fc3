"""A question as full text search sees it: its words, their weights, which of them to look up."""

import math
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from documents.search.rarity import COMMON, Rarity
from documents.search.sample import Sample
from documents.stop_words import STOP_WORDS
from documents.weights import dimension, sparse

LONGEST = 1_000  # characters of a question
MOST_WORDS = 64
# At most so many chunks are looked up by their words. Beyond that, a question's commonest words
# only rank chunks that have a rarer one (as "MaxScore" does: Turtle and Flood, "Query Evaluation:
# Strategies and Optimizations", 1995).
MOST_CANDIDATES = 1_500
# If so many words or more are looked up, a passage must have two of them, if enough do: the best
# are nearly always among these, and they are fewer to read.
SEVERAL = 5
MOST_OF_TWO = 4_000  # chunks that have one of these words
GROUPS = 6  # of words; two of one group count as one, which keeps the query short
# A short word in more of the chunks may be a stop word that no list has.
SHORT, RARE = 3, 0.02


@dataclass(frozen=True)
class Word:
    """A word of a question."""

    forms: frozenset[str]  # that passages may have
    share: float  # of the searched chunks that have it, over 0 and under 1
    everywhere: float  # the same for all owners' chunks
    is_stop_word: bool = False

    @property
    def is_rare(self) -> bool:
        """Whether so few chunks have it that it says something."""
        short = all(form.isascii() and len(form) <= SHORT and form.isalpha() for form in self.forms)
        return self.everywhere <= (RARE if short else COMMON) and not self.is_stop_word

    @property
    def is_topic(self) -> bool:
        """Whether it is no stop word, however common: then everything is about it. Short words, as
        pairs of characters are, are not judged: no list of stop words covers those."""
        return not self.is_stop_word and max(map(len, self.forms)) > SHORT

    @property
    def weight(self) -> float:
        """BM25's inverse document frequency, ln(1 + (N - n) / n): n of N chunks have the word."""
        return -math.log(self.share)


@dataclass(frozen=True)
class Question:
    """The words of a question, the rarest first."""

    words: Sequence[Word]

    @cached_property
    def content_words(self) -> Sequence[Word]:
        """The words of which a passage must have one: all but stop words, which are nearly
        everywhere and only help to rank; those too if there are no others."""
        return [word for word in self.words if not word.is_stop_word] or self.words

    @property
    def sparse(self) -> str:
        """The weights as a `sparsevec` literal."""
        weights = ((word.forms, f"{word.weight:.4f}") for word in self.words)
        return sparse({dimension(form): of for forms, of in weights for form in forms})

    @property
    def full(self) -> float:
        """The relevance of a passage of average length that has every word once."""
        return sum(word.weight for word in self.words)

    def lookups(self, size: int) -> dict[str, str | None]:
        """The `tsquery`s that find enough of `size` chunks, and what to try where they don't.

        `content` matches passages with a content word (None: there are no others), `two` those
        with two of the rarest words (empty if the question has few words), `one` those with one of
        them, and `more` is the next word, for when none of these occurs.
        """
        rarest = self._rarest(size, MOST_CANDIDATES)
        rest = [word for word in self.content_words[len(rarest) :] if word.is_rare]
        has_stop_words = len(self.content_words) < len(self.words)
        return {
            "content": _any_of(self.content_words) if has_stop_words else None,
            "two": self._of_two(size),
            "one": _any_of(rarest), "more": _any_of(rest[:1]),
        }  # fmt: skip

    def _of_two(self, size: int) -> str:
        found = self._rarest(size, MOST_OF_TWO)
        if len(found) < SEVERAL:
            return ""
        groups = [_any_of(found[at::GROUPS]) for at in range(min(GROUPS, len(found)))]
        return " | ".join(_two_of(groups))

    def _rarest(self, size: int, most: int) -> Sequence[Word]:
        """The rarest words that an estimated `most` chunks at most have; at least one word."""
        held = accumulate(size * max(word.share, word.everywhere) for word in self.content_words)
        return self.content_words[: max(1, sum(chunks <= most for chunks in held))]

    @cached_property
    def highlighted(self) -> frozenset[str]:
        """The forms worth a highlight: not of the commonest words, unless there are no others."""
        rare = [word for word in self.content_words if word.is_rare or word.is_topic]
        return frozenset().union(*(word.forms for word in rare or self.content_words))


def _two_of(groups: Sequence[str]) -> list[str]:
    """`tsquery`s for passages with words of two groups: one of each half, or two of one half.

    Listing all pairs would be equivalent but longer, and Postgres evaluates all of it for each
    passage that has any of the words.
    """
    if len(groups) < 2:
        return []
    left, right = groups[: len(groups) // 2], groups[len(groups) // 2 :]
    across = f"({' | '.join(left)}) & ({' | '.join(right)})"
    return [across, *_two_of(left), *_two_of(right)]


def _any_of(chosen: Sequence[Word]) -> str:
    return " | ".join(f"'{form}'" for word in chosen for form in word.forms)


def rarest(asked: Iterable[AbstractSet[str]], rarity: Rarity) -> list[AbstractSet[str]]:
    """The rarest of a question's words, at most MOST_WORDS."""
    return sorted(asked, key=rarity.share)[:MOST_WORDS]


def understand(asked: Sequence[AbstractSet[str]], rarity: Rarity, sample: Sample) -> Question:
    """The question; without words if it consists of punctuation alone."""
    found = (_word(forms, number, rarity, sample) for number, forms in enumerate(asked))
    return Question(sorted(found, key=lambda word: word.share))


def _word(forms: AbstractSet[str], number: int, rarity: Rarity, sample: Sample) -> Word:
    """A stop word counts as common, even if few of the chunks hold it."""
    longest = max(map(len, forms))  # as it was asked; an ending may be as long
    said = {form for form in forms if len(form) == longest}
    is_stop_word = not (said.isdisjoint(STOP_WORDS) and said.isdisjoint(rarity.stop_words))
    least = COMMON if is_stop_word else 0
    everywhere = rarity.share(forms)
    share = max(sample.share(number, everywhere), least)
    return Word(frozenset(forms), share, max(everywhere, least), is_stop_word)
