"""Realistic vectors for hundreds of thousands of passages, from the local model, in a minute.

A passage made of sentences gets the mean of their vectors; a question has its own.
"""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from notebook.stack.embedder.embedder import Embedder

Floats = NDArray[np.float32]
BATCH = 64


@dataclass(frozen=True)
class Meanings:
    rows: dict[str, int]  # of sentences and questions
    matrix: Floats

    def vector(self, text: str) -> Floats:
        """Of length 1; an arbitrary one if nothing of the text is known."""
        if (known := self.rows.get(text)) is not None:
            row: Floats = self.matrix[known]
            return row
        at = [self.rows[each] for each in sentences(text) if each in self.rows] or [0]
        summed = self.matrix[at].sum(axis=0)
        found: Floats = summed / np.linalg.norm(summed)
        return found

    def save(self, path: Path) -> None:
        np.savez(path, texts=np.array(list(self.rows)), matrix=self.matrix)


def load(path: Path) -> Meanings:
    """The saved vectors."""
    kept = np.load(path)
    return Meanings({str(text): at for at, text in enumerate(kept["texts"])}, kept["matrix"])


def sentences(text: str) -> list[str]:
    """By a rule of thumb: good enough for making passages."""
    found = re.split(r"(?<=[.!?])\s+|(?<=[。！？])|\n+", text)
    return [stripped for each in found if (stripped := each.strip())]


def learn(known: Sequence[str], questions: Sequence[str]) -> Meanings:
    """Embeds each of them once with the local model."""
    with tempfile.TemporaryDirectory() as cache:
        embedder = Embedder(Path(cache))
        try:
            unique = list(dict.fromkeys(known))
            parts = [_embedded(embedder, "e5-passage", unique)]
            parts.append(_embedded(embedder, "e5-query", questions))
        finally:
            embedder.stop()
    texts = [*unique, *questions]
    return Meanings({text: at for at, text in enumerate(texts)}, np.concatenate(parts))


def _embedded(embedder: Embedder, model: str, texts: Sequence[str]) -> Floats:
    batches = [
        [embedder.tokenize(model, text) for text in texts[at : at + BATCH]]
        for at in range(0, len(texts), BATCH)
    ]
    return np.concatenate([embedder.embed(batch, lambda: False).vectors for batch in batches])
