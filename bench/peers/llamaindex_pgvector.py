"""LlamaIndex with PGVectorStore: SimpleDirectoryReader, SentenceSplitter, an ingestion pipeline."""

from collections.abc import Callable
from urllib.parse import urlsplit

from bench.peers import connected

CHUNK_TOKENS = 256  # of about four characters


def main() -> None:
    connected.serve_files(_prepare)


def _prepare() -> Callable[[str], int]:
    from llama_index.core import SimpleDirectoryReader
    from llama_index.core.ingestion import IngestionPipeline
    from llama_index.core.node_parser import SentenceSplitter
    from llama_index.embeddings.openai import OpenAIEmbedding
    from llama_index.vector_stores.postgres import PGVectorStore

    at = urlsplit(connected.database_url())
    store = PGVectorStore.from_params(
        host=at.hostname, port=str(at.port), user=at.username, password=at.password or "",
        database=at.path[1:], table_name="llamaindex", embed_dim=connected.DIMENSIONS,
    )  # fmt: skip
    embedding = OpenAIEmbedding(
        api_base=connected.embedding_url(), api_key="none", embed_batch_size=connected.BATCH
    )
    splitter = SentenceSplitter(chunk_size=CHUNK_TOKENS, chunk_overlap=20)
    pipeline = IngestionPipeline(transformations=[splitter, embedding], vector_store=store)

    def store_file(path: str) -> int:
        documents = SimpleDirectoryReader(input_files=[path], raise_on_error=True).load_data()
        return len(pipeline.run(documents=documents))

    return store_file


if __name__ == "__main__":
    main()
