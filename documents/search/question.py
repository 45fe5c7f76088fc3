"""A question as full text search asks it: its words, what each counts, which of them to look up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from documents import words
from documents.search.rarity import Rarity

MOST_WORDS = 64
# The most chunks that are looked at for their words; beyond, the commonest words of a question only
# move chunks that hold a rarer one (as "MaxScore" does: Turtle and Flood, "Query Evaluation:
# Strategies and Optimizations", 1995).
MOST_CANDIDATES = 2_000
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000)  # of what is searched, in chunks
COMMON = 0.1  # a word in more of the chunks is not worth a highlight


@dataclass(frozen=True)
class Question:
    """The words of a question with their weights, the heaviest first."""

    weights: Mapping[str, float]
    rarity: Rarity

    @property
    def sparse(self) -> str:
        """The weights as a `sparsevec`."""
        places = {words.dimension(word): weight for word, weight in self.weights.items()}
        inside = ",".join(f"{at}:{places[at]:.4f}" for at in sorted(places))
        return f"{{{inside}}}/{words.DIMENSIONS}"

    @property
    def full(self) -> float:
        """The relevance of a passage of average length that holds every word once."""
        return sum(self.weights.values())

    @property
    def lookups(self) -> list[str]:
        """For each of SIZES, the `tsquery` of the words that find enough of so many chunks."""
        return [_any_of(self._rarest(size)) for size in SIZES]

    @property
    def telling(self) -> set[str]:
        """The words worth a highlight: not the commonest, unless there are no others."""
        found = {word for word in self.weights if self.rarity.share(word) <= COMMON}
        return found or set(self.weights)

    def _rarest(self, size: int) -> Sequence[str]:
        chosen: list[str] = []
        candidates = 0.0
        for word in self.weights:
            candidates += size * self.rarity.share(word)
            if chosen and candidates > MOST_CANDIDATES:
                break
            chosen.append(word)
        return chosen


def understand(text: str, rarity: Rarity) -> Question:
    """The words of a question; none if it has none, as one of signs alone."""
    found = sorted(words.asked(text), key=rarity.weight, reverse=True)[:MOST_WORDS]
    return Question({word: rarity.weight(word) for word in found}, rarity)


def _any_of(chosen: Sequence[str]) -> str:
    return " | ".join(f"'{word}'" for word in chosen)
