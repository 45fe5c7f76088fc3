"""`unstructured` as its documentation shows it: partition, chunk by title; then COPY."""

from collections.abc import Callable

from bench.peers import connected, spacy_model


def main() -> None:
    connected.serve_files(_prepare)


def _prepare() -> Callable[[str], int]:
    spacy_model.use_installed()
    import openai
    import psycopg
    from unstructured.chunking.title import chunk_by_title
    from unstructured.partition.auto import partition

    client = openai.OpenAI(base_url=connected.embedding_url(), api_key="none")
    database = psycopg.connect(connected.database_url(), autocommit=True)
    connected.table(database, "plain_unstructured")

    def store(path: str) -> int:
        elements = partition(path, strategy="fast")
        chunks = chunk_by_title(elements, max_characters=connected.CHUNK_CHARACTERS)
        texts = [chunk.text for chunk in chunks]
        vectors = connected.vectors_of(client, texts)
        connected.copy(database, "plain_unstructured", path, texts, vectors)
        return len(texts)

    return store


if __name__ == "__main__":
    main()
