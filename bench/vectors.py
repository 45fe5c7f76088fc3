"""The cost of a vector between the embedding server and the chunks: ``python -m bench.vectors``.

Asking: our client against the same request sent with bare httpx2 and its answer thrown away, which
is the share of server and network. Storing: ours (drafts by COPY, each batch of vectors by COPY,
chunks from them) against Django's `bulk_create`, with the graph index and without. Both in turns of
one run; needs only the project, and starts its own Postgres.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import django
import httpx2
import numpy as np

from notebook.stack.service import free_port
from notebook.stack.services import running

DIMENSIONS = (384, 1536)
BATCH = 64
TEXT = "What a passage says, in about as many words as passages have. " * 16


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.vectors", description=__doc__)
    parser.add_argument("--chunks", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dimensions", type=int, help="one only; default: 384, then 1536")
    options = parser.parse_args()
    if options.dimensions is None:
        for dimensions in DIMENSIONS:  # the settings are read once per process
            command = [sys.executable, "-m", "bench.vectors", *sys.argv[1:]]
            subprocess.check_call([*command, "--dimensions", str(dimensions)])
        return
    with tempfile.TemporaryDirectory() as folder, embedding_stub(options.dimensions) as url:
        given = {"EMBEDDING_BASE_URL": url, "EMBEDDING_DIMENSIONS": str(options.dimensions)}
        os.environ |= given | {"OPENAI_API_KEY": "none", "LOG_LEVEL": "ERROR"}
        with running(Path(folder), embedder=False) as variables:
            os.environ |= variables
            django.setup()
            _measure(url, options.dimensions, options.chunks, options.rounds)


@contextmanager
def embedding_stub(dimensions: int, *saved: Path) -> Iterator[str]:
    """The URL of a running bench/embedding_stub.py, with `saved` meanings if there are any."""
    port = free_port()
    command = [sys.executable, "-m", "bench.embedding_stub", str(port), str(dimensions)]
    command += map(str, saved)
    process = subprocess.Popen(command)
    url = f"http://127.0.0.1:{port}/v1"
    try:
        until(lambda: _asked(url) and True)
        yield url
    finally:
        process.terminate()
        process.wait(10)


def until(look: Callable[[], Any], *, seconds: float = 60) -> Any:
    """The result of `look` as soon as it is true; until then it may raise OSError or HTTP
    errors."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if found := look():
                return found
        except (OSError, httpx2.HTTPError):
            pass
        time.sleep(0.02)
    raise TimeoutError(f"Not within {seconds} s.")


def _asked(url: str, texts: int = 1, client: Any = httpx2) -> bytes:
    asked = {"model": "stub", "input": [TEXT] * texts, "encoding_format": "base64"}
    content: bytes = client.post(f"{url}/embeddings", json=asked).content
    return content


def _measure(url: str, dimensions: int, chunks: int, rounds: int) -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    print(f"\n{dimensions} dimensions\n")
    _compare_clients(url, rounds)
    for index in (True, False):
        _compare_stores(dimensions, chunks, rounds, index=index)


def _compare_clients(url: str, rounds: int) -> None:
    from documents.embeddings import client as embeddings

    bare, spent = httpx2.Client(), dict[str, list[float]](bare=[], ours=[])
    for _ in range(rounds * 20):
        spent["bare"].append(_cpu(lambda: _asked(url, BATCH, bare)))
        spent["ours"].append(_cpu(lambda: embeddings.embed_passages([TEXT] * BATCH)))
    each = {name: 1000 * statistics.median(found) / BATCH for name, found in spent.items()}
    print(
        f"asking, CPU a vector: {each['ours']:.3f} ms, bare request {each['bare']:.3f} ms,"
        f" ours on top {each['ours'] - each['bare']:.3f} ms"
    )


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _compare_stores(dimensions: int, chunks: int, rounds: int, *, index: bool) -> None:

    from documents import graphs, spaces
    from documents.models import Chunk

    change = graphs.ensure if index else graphs.drop
    change(spaces.active())
    vectors = np.random.default_rng(1).standard_normal((chunks, dimensions)).astype(np.float32)
    spent: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, store in (("bulk_create", _store_by_django), ("ours", _store)):
            for part, seconds in store(vectors).items():
                spent.setdefault(f"{name} {part}".strip(), []).append(seconds)
            Chunk.objects.all().delete()
    medians = {name: statistics.median(found) for name, found in spent.items()}
    ours = sum(seconds for name, seconds in medians.items() if name.startswith("ours"))
    parts = ", ".join(f"{name} {seconds:.2f}" for name, seconds in medians.items())
    print(
        f"storing {chunks} chunks {'with' if index else 'without'} the graph: {parts} s;"
        f" {chunks / ours:,.0f} chunks/s, {medians['bulk_create'] / ours:.1f} times bulk_create"
    )


def _subject() -> Any:
    """A document with a task, as a step gets it."""
    from django.contrib.auth import get_user_model

    from documents.models import Document, Extraction
    from tasks.models import Task

    owner, _ = get_user_model().objects.get_or_create(username="bench")
    document = Document.objects.create(
        owner=owner, name="a.txt", file=f"none/{uuid4()}", content_type="text/plain", size=1,
        sha256=uuid4().hex * 2,
    )  # fmt: skip
    task = Task.objects.create(pipeline="document", document=document, owner=owner)
    Extraction.objects.create(document=document, task=task, text="")
    return SimpleNamespace(
        task_id=task.pk, subject_id=document.pk, owner_id=owner.pk, report=lambda *_: None
    )


def _passage(number: int) -> Any:
    from documents.extraction.elements import Passage

    return Passage(number, number * 10, number * 10 + 1000, 1, 2, ("One", "Two"), "One › Two")


def _store(vectors: Any) -> dict[str, float]:
    from django.db import transaction

    from documents import pipeline, spaces
    from documents.models import Draft
    from documents.steps import embed, store

    run, count, space = _subject(), len(vectors), spaces.active()
    text = "".join(f"{number:010}" for number in range(count + 100))
    started = time.perf_counter()
    with transaction.atomic():
        passages = [_passage(number) for number in range(count)]
        read = pipeline.Kept(text, "[]", "en", "", run.owner_id)
        words = pipeline._words_of(run, read, passages)
        pipeline._save_drafts(run, read, passages, words)
    drafted = time.perf_counter()
    rows = Draft.objects.filter(task_id=run.task_id).order_by("index")
    digests = [bytes(digest) for digest in rows.values_list("digest", flat=True)]
    asked = time.perf_counter()
    for at in range(0, count, BATCH):
        batch = dict.fromkeys(digests[at : at + BATCH], "")
        come: embed.Embedded = (batch, vectors[at : at + BATCH], [])
        embed._keep(run.task_id, run.subject_id, space, come)
    kept = time.perf_counter()
    with transaction.atomic():
        store.replace_chunks(run.subject_id, run.task_id)
    stored = time.perf_counter()
    return {"drafts": drafted - started, "vectors": kept - asked, "chunks": stored - kept}


def _store_by_django(vectors: Any) -> dict[str, float]:
    from django.db import transaction

    from documents import spaces
    from documents.models import Chunk, ChunkVector, Document

    run, space = _subject(), spaces.active()
    owner_id = Document.objects.get(pk=run.subject_id).owner_id
    started = time.perf_counter()
    with transaction.atomic():
        chunks = [
            Chunk(
                id=uuid4(), document_id=run.subject_id, owner_id=owner_id, index=number,
                text=TEXT[:1000], start=number * 10, end=number * 10 + 1000, page_start=1,
                page_end=2, headings=["One", "Two"], context="One › Two",
                digest=uuid4().bytes * 2,
            )
            for number in range(len(vectors))
        ]  # fmt: skip
        Chunk.objects.bulk_create(chunks, batch_size=500)
        ChunkVector.objects.bulk_create(
            [
                ChunkVector(
                    chunk=chunk, space=space, owner_id=owner_id, document_id=run.subject_id,
                    embedding=vector,
                )
                for chunk, vector in zip(chunks, vectors, strict=True)
            ],
            batch_size=500,
        )  # fmt: skip
    return {"": time.perf_counter() - started}


if __name__ == "__main__":
    main()
