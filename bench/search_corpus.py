"""The corpus of `bench.search`: passages made of sentences, written directly into the tables."""

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np

from bench.meanings import Floats, Meanings, learn, sentences
from bench.question_sets import load

DIMENSIONS = 384
OF_ONE_TEXT, OF_ANY = 5, 2  # sentences per passage
PASSAGES = 100  # per document
SMALL_FROM = 50_000  # with so many passages, one document belongs to a third owner
ASKED = 200
COLUMNS = """
    id, document_id, owner_id, index, text, start, "end", headings, context, digest, words, weights
"""


@dataclass(frozen=True)
class Corpus:
    texts: list[list[str]]  # sentences
    questions: list[str]
    meanings: Meanings


@dataclass(frozen=True)
class Filled:
    """What was written, in order."""

    ids: list[UUID]
    owners: list[int]  # 1 is `admin` with 90 %, 2 a large one, 3 a small one
    vectors: Floats

    def with_more(self, more: "Filled") -> "Filled":
        vectors = np.concatenate([self.vectors, more.vectors])
        return Filled(self.ids + more.ids, self.owners + more.owners, vectors)


def read_corpus(folder: Path) -> Corpus:
    sets = list(load(folder))
    texts = [sentences(text) for found in sets for text in found.documents.values()]
    questions = [question.text for found in sets for question in found.questions]
    chosen = random.Random(1).sample(questions, ASKED)
    known = [sentence for text in texts for sentence in text]
    return Corpus([text for text in texts if text], chosen, learn(known, chosen))


def add_owners() -> None:
    from django.contrib.auth import get_user_model

    for pk in (2, 3):
        get_user_model().objects.create(pk=pk, username=f"owner {pk}")


def fill(corpus: Corpus, count: int, *, seed: int) -> Filled:
    """Write `count` passages, a hundred per document."""
    from documents.copying import copying
    from documents.models import Document
    from documents.steps.embed import digest, text_digest
    from documents.weights import indexed

    chance = random.Random(seed)
    documents = [_document(at, count) for at in range(-(-count // PASSAGES))]
    Document.objects.bulk_create(documents)
    owners, ids, vectors = [], [], np.empty((count, DIMENSIONS), np.float32)
    with copying(f"COPY documents_chunk ({COLUMNS}) FROM STDIN") as rows:
        for at in range(count):
            document = documents[at // PASSAGES]
            text = passage(corpus, chance)
            vectors[at] = corpus.meanings.vector(text)
            ids.append(uuid4())
            owners.append(document.owner_id)
            rows.write_row((
                ids[-1], document.pk, document.owner_id, at % PASSAGES, text, 0, len(text), [], "",
                digest(text_digest("", text), document.owner_id), *indexed(text, "en", ""),
            ))  # fmt: skip
    return Filled(ids, owners, vectors)


def passage(corpus: Corpus, chance: random.Random) -> str:
    others = [chance.choice(chance.choice(corpus.texts)) for _ in range(OF_ANY)]
    return " ".join(chance.choices(chance.choice(corpus.texts), k=OF_ONE_TEXT) + others)


def add_vectors(filled: Filled) -> float:
    """Add the missing vectors; returns the seconds that the graph took."""
    from django.db import connection

    from documents import graphs, spaces
    from documents.copying import copying

    space = spaces.active()
    graphs.drop(space)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE IF NOT EXISTS made (id uuid, embedding halfvec)")
        cursor.execute("TRUNCATE made")
        with copying("COPY made (id, embedding) FROM STDIN") as rows:
            for pk, vector in zip(filled.ids, filled.vectors, strict=True):
                rows.write_row((pk, f"[{','.join(map(str, vector.tolist()))}]"))
        cursor.execute(
            f"""INSERT INTO documents_chunkvector
                (chunk_id, space_id, owner_id, document_id, embedding)
            SELECT id, {space.pk}, owner_id, document_id, embedding
            FROM made JOIN documents_chunk USING (id)"""
        )
    started = time.perf_counter()
    graphs.ensure(space)
    return time.perf_counter() - started


def _document(at: int, count: int) -> Any:
    from documents.models import Document, DocumentStatus

    small, large = at == 0 and count > SMALL_FROM, at % 10 == 1
    return Document(
        id=uuid4(), owner_id=3 if small else 2 if large else 1, name=f"{at}.txt", size=1,
        sha256=uuid4().hex * 2, chunk_count=min(PASSAGES, count - at * PASSAGES),
        content_type="text/plain", language="en", status=DocumentStatus.AVAILABLE,
    )  # fmt: skip


def settle() -> None:
    """Leave the table as autovacuum would."""
    from django.db import connection

    from documents.search import rarity

    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE documents_chunk, documents_chunkvector")
        cursor.execute("ANALYZE documents_document")
    rarity.forget()
