"""Speed and recall of search by size: ``python -m bench.search FOLDER``.

FOLDER holds question sets as for `bench.retrieval`; passages are made of sentences, five of one
text and two of any; their vectors are the means of the sentences', by the local model. They are
written into the stack's tables directly, 90 % of them for `admin`, then searched through
`documents.search` (in this process, with the stack's Postgres) and through the API. Questions'
vectors are cached beforehand: only search is measured. The recall is against an exact comparison of
all vectors in four-byte floats.
"""

import argparse
import os
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
import numpy as np

from bench.search_corpus import (
    DIMENSIONS,
    Corpus,
    Filled,
    add_owners,
    add_vectors,
    fill,
    passage,
    read_corpus,
    settle,
)
from bench.stack import Stack, running_stack
from bench.vectors import embedding_stub

TOP_K = 10
INSERTED = 1_000  # vectors


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.search", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    corpus = read_corpus(options.folder)
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, "meanings.npz")
        corpus.meanings.save(saved)
        with embedding_stub(DIMENSIONS, saved) as url:
            os.environ |= {"EMBEDDING_BASE_URL": url, "EMBEDDING_DIMENSIONS": str(DIMENSIONS)}
            with running_stack(embedding_url=url, dimensions=DIMENSIONS, workers=2) as stack:
                os.environ |= {"DATABASE_URL": stack.database_url, "LOG_LEVEL": "ERROR",
                               "EMBEDDING_PASSAGE_MODEL": "stub", "DATA_DIR": str(stack.data_dir),
                               "OPENAI_API_KEY": "none",
                               "DATABASE_STATEMENT_TIMEOUT_MS": "0",  # filling it takes minutes
                               "DJANGO_SETTINGS_MODULE": "notebook.settings"}  # fmt: skip
                django.setup()
                stack.part("beat").suspend()  # the graph is built here, once everything is there
                _measure(stack, corpus, options.sizes, options.rounds)


def _measure(stack: Stack, corpus: Corpus, sizes: Sequence[int], rounds: int) -> None:
    filled = Filled([], [], np.zeros((0, DIMENSIONS), np.float32))
    add_owners()
    print("| chunks | vector p50 / p95 | its statement | recall@10 | text p50 / p95 |"
          " hybrid, API p50 / p95 | graph built | graph |\n"
          + "|---" * 8 + "|")  # fmt: skip
    grown: dict[str, list[float]] = {"vector": [], "text": [], "hybrid, API": []}
    for size in sizes:
        more = fill(corpus, size - len(filled.ids), seed=size)
        filled = filled.with_more(more)
        built = add_vectors(more)
        settle()
        ways = [_asking(1, "vector"), _asking(1, "text"), _through_api(stack)]
        times = [_times(rounds, corpus, way) for way in ways]
        for found, took in zip(grown.values(), times, strict=True):
            found.append(took.median)
        recall = _recall(corpus, filled, 1)
        alone = _statement_times(rounds, corpus)
        print(f"| {size:,} | {times[0]} | {alone} | {recall} | {times[1]} | {times[2]}"
              f" | {built:.1f} s | {_graph_mb():.0f} MB |", flush=True)  # fmt: skip
    _print_chart(sizes, grown)
    _print_filters(corpus, filled, rounds)
    _print_while_ingesting(stack, corpus, rounds)
    _print_sizes(stack)
    _print_inserts(rounds)


def _asking(owner: int, mode: Any, **filters: Any) -> Callable[[str], int]:
    """Runs a search in this process; returns the number of hits."""
    from documents.search import search

    return lambda question: len(
        search(owner_id=owner, query=question, top_k=TOP_K, mode=mode, **filters)
    )


def _through_api(stack: Stack) -> Callable[[str], int]:
    def ask(question: str) -> int:
        answer = stack.api.post("/api/search/", json={"query": question})
        answer.raise_for_status()
        return len(answer.json()["results"])

    return ask


@dataclass(frozen=True)
class Times:
    """Milliseconds."""

    median: float
    p95: float

    def __str__(self) -> str:
        return f"{self.median:.1f} / {self.p95:.1f} ms"


def _times(rounds: int, corpus: Corpus, ask: Callable[[str], int]) -> Times:
    """Each question is asked once beforehand."""
    for question in corpus.questions:
        ask(question)
    taken = sorted(_taken(ask, question) for _ in range(rounds) for question in corpus.questions)
    return Times(statistics.median(taken), taken[int(len(taken) * 0.95)])


def _statement_times(rounds: int, corpus: Corpus) -> Times:
    """The round trip of a vector search's statement."""
    from documents.search import finding, running

    taken: list[float] = []
    run = running.rows

    def timed(sql: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        started = time.perf_counter()
        rows = run(sql, parameters)
        taken.append((time.perf_counter() - started) * 1000)
        return rows

    finding.rows = timed  # type: ignore[attr-defined] # as it is known there
    try:
        _times(rounds, corpus, _asking(1, "vector"))
    finally:
        finding.rows = run  # type: ignore[attr-defined]
    taken = sorted(taken[len(corpus.questions) :])
    return Times(statistics.median(taken), taken[int(len(taken) * 0.95)])


def _taken(ask: Callable[[str], int], question: str) -> float:
    started = time.perf_counter()
    ask(question)
    return (time.perf_counter() - started) * 1000


def _recall(corpus: Corpus, filled: Filled, owner: int, **filters: Any) -> str:
    """Recall of the owner's nearest TOP_K by exact comparison; and the fewest hits."""
    from documents.search import search

    mine = np.flatnonzero(np.array(filled.owners) == owner)
    shares, fewest = [], TOP_K
    for question in corpus.questions:
        hits = search(owner_id=owner, query=question, top_k=TOP_K, mode="vector", **filters)
        nearest = np.argsort(-(filled.vectors[mine] @ corpus.meanings.vector(question)))[:TOP_K]
        wanted = {filled.ids[mine[at]] for at in nearest}
        shares.append(len(wanted & {hit.chunk.pk for hit in hits}) / len(wanted))
        fewest = min(fewest, len(hits))
    return f"{statistics.mean(shares):.3f} (at least {fewest} hits)"


def _print_chart(sizes: Sequence[int], grown: dict[str, list[float]]) -> None:
    """The medians, as a Mermaid chart."""
    lines = "\n".join(
        f'    line "{name}" [{", ".join(f"{each:.1f}" for each in found)}]'
        for name, found in grown.items()
    )
    print(f"\n```mermaid\nxychart-beta\n    x-axis {[f'{size:,}' for size in sizes]}\n"
          f'    y-axis "ms, median"\n{lines}\n```'.replace("'", '"'))  # fmt: skip


def _print_filters(corpus: Corpus, filled: Filled, rounds: int) -> None:
    print("\n| filter, of all chunks | vector p50 / p95 | recall@10 |\n|---|---|---|")
    for owner, share in ((2, "an owner with 10 %"), (3, "an owner with 0.1 %")):
        if owner not in filled.owners:
            continue
        times = _times(rounds, corpus, _asking(owner, "vector"))
        print(f"| {share} | {times} | {_recall(corpus, filled, owner)} |", flush=True)


def _print_while_ingesting(stack: Stack, corpus: Corpus, rounds: int) -> None:
    quiet = _times(rounds, corpus, _through_api(stack))
    done = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        uploads = pool.submit(_upload_until, stack, corpus, done)
        busy = _times(rounds, corpus, _through_api(stack))
        done.set()
        count = uploads.result()
    print(f"\nHybrid through the API: {quiet}; while documents are processed ({count} meanwhile): "
          f"{busy}.")  # fmt: skip


def _upload_until(stack: Stack, corpus: Corpus, done: threading.Event) -> int:
    """Uploads documents of some thirty passages, one after the other; returns how many."""
    chance = random.Random(3)
    count = 0
    with stack.listening() as follow:
        while not done.is_set():
            text = "\n\n".join(passage(corpus, chance) for _ in range(35))
            follow(stack.upload("a.txt", text.encode())["id"])
            count += 1
    return count


def _graph_mb() -> float:
    from documents import graphs, spaces

    return _sizes([graphs.name_of(spaces.active())])[0][1]


def _sizes(names: Sequence[str]) -> list[tuple[str, float]]:
    """Sizes of tables and indexes, in MB."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_table_size(oid) / 1e6 FROM pg_class WHERE relname = ANY (%s)",
            [list(names)],
        )
        return [(name, float(size)) for name, size in cursor.fetchall()]


def _print_sizes(stack: Stack) -> None:
    found = _sizes(["chunk_words", "documents_chunk", "documents_chunkvector"])
    print("\nMB: " + ", ".join(f"{name} {size:.0f}" for name, size in found)
          + f", the web server {stack.part('web').memory_info().rss / 1e6:.0f}.")  # fmt: skip


def _print_inserts(rounds: int) -> None:
    """Removes existing vectors and inserts them again; everything is rolled back."""
    from django.db import connection, transaction

    from documents import graphs, spaces

    graph = graphs.name_of(spaces.active())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE again ON COMMIT DROP AS"
            f" SELECT * FROM documents_chunkvector ORDER BY md5(chunk_id::text) LIMIT {INSERTED}"
        )
        with_graph = _inserting(cursor, rounds)
        cursor.execute(f'DROP INDEX "{graph}"')
        without = _inserting(cursor, rounds)
        transaction.set_rollback(True)
    print(f"\nTo insert {INSERTED:,} vectors takes {with_graph:.0f} ms with the graph,"
          f" {without:.0f} ms without.")  # fmt: skip


def _inserting(cursor: Any, rounds: int) -> float:
    """The median, in milliseconds."""
    taken = []
    for _ in range(rounds):
        cursor.execute(
            "DELETE FROM documents_chunkvector there USING again"
            " WHERE (there.chunk_id, there.space_id) = (again.chunk_id, again.space_id)"
        )
        started = time.perf_counter()
        cursor.execute("INSERT INTO documents_chunkvector SELECT * FROM again")
        taken.append((time.perf_counter() - started) * 1000)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
