"""What every other pipeline gets: the same embedding server and the same Postgres."""

import os
from collections.abc import Callable, Sequence
from typing import Any

from bench.peers.serving import serve

DIMENSIONS = 384
MODEL = "stub"
BATCH = 64
CHUNK_CHARACTERS = 1000


def embedding_url() -> str:
    return os.environ["BENCH_EMBEDDING_URL"]


def database_url() -> str:
    """`postgresql://…`, an empty database with pgvector."""
    return os.environ["BENCH_DATABASE_URL"]


def serve_files(prepare: Callable[[], Callable[[str], int]]) -> None:
    """Answer `{"paths": […]}` with `{"chunks", "failed"}`; `prepare` gives what stores one file."""

    def prepared() -> Callable[[Any], Any]:
        store = prepare()
        return lambda request: _store_all(store, request["paths"])

    serve(prepared)


def _store_all(store: Callable[[str], int], paths: Sequence[str]) -> dict[str, Any]:
    chunks, failed = 0, {}
    for path in paths:
        try:
            chunks += store(path)
        except Exception as error:  # noqa: BLE001 - whatever a peer raises, it goes on
            failed[path.rpartition("/")[2]] = f"{type(error).__name__}: {error}"[:200]
    return {"chunks": chunks, "failed": failed}


def vectors_of(client: Any, texts: Sequence[str]) -> list[list[float]]:
    """Through the plain `openai` client, in batches."""
    found = []
    for at in range(0, len(texts), BATCH):
        answer = client.embeddings.create(model=MODEL, input=list(texts[at : at + BATCH]))
        found += [row.embedding for row in answer.data]
    return found


def table(connection: Any, name: str) -> None:
    """A table of texts and vectors, for peers without their own."""
    connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.execute(
        f"CREATE TABLE {name} (id bigserial PRIMARY KEY, source text, body text,"
        f" embedding vector({DIMENSIONS}))"
    )


def copy(connection: Any, name: str, source: str, texts: Sequence[str], vectors: Any) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {name} (source, body, embedding) FROM STDIN") as rows,
    ):
        for text, vector in zip(texts, vectors, strict=True):
            body = text.replace("\0", "")
            rows.write_row((source, body, "[" + ",".join(map(repr, vector)) + "]"))
