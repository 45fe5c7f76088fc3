"""Vectors that are like those of real text, without a model: latent semantic analysis.

Deerwester et al., 1990: the main directions of a matrix of texts and weighted words.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from documents.words import counted

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Meanings:
    rows: dict[str, int]
    matrix: Floats  # a row for each word

    def vector(self, text: str) -> Floats:
        """Of length 1."""
        words = [(self.rows[word], n) for word, n in counted(text, "").items() if word in self.rows]
        if not words:
            words = [(0, 1)]
        at, times = zip(*words, strict=True)
        summed = np.sqrt(np.array(times, np.float32)) @ self.matrix[list(at)]
        found: Floats = summed / (np.linalg.norm(summed) + 1e-9)
        return found

    def save(self, path: Path) -> None:
        np.savez(path, words=np.array(list(self.rows)), matrix=self.matrix)


def load(path: Path) -> Meanings:
    """What was saved."""
    kept = np.load(path)
    return Meanings({str(word): at for at, word in enumerate(kept["words"])}, kept["matrix"])


def learn(texts: Sequence[str], dimensions: int) -> Meanings:
    """From at least so many texts as `dimensions`."""
    counts = [counted(text, "") for text in texts]
    frequency = Counter(word for count in counts for word in count)
    rows = {word: at for at, word in enumerate(frequency)}
    rarity = np.array([math.log(len(texts) / n) for n in frequency.values()], np.float32)
    weights = np.zeros((len(texts), len(rows)), np.float32)
    for at, count in enumerate(counts):
        weights[at, [rows[word] for word in count]] = np.sqrt(list(count.values()))
    weights *= rarity
    _, vectors = np.linalg.eigh(weights @ weights.T)
    main = vectors[:, -dimensions:]
    directions = weights.T @ main
    directions /= np.linalg.norm(directions, axis=0) + 1e-9
    return Meanings(rows, rarity[:, None] * directions)
