"""Haystack with pgvector: a converter by format, DocumentSplitter, embedder, writer."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.peers import connected

CHUNK_WORDS = 160  # about a thousand characters


def main() -> None:
    connected.serve_files(_prepare)


def _prepare() -> Callable[[str], int]:
    from haystack.components import converters
    from haystack.components.embedders import OpenAIDocumentEmbedder
    from haystack.components.preprocessors import DocumentSplitter
    from haystack.components.writers import DocumentWriter
    from haystack.document_stores.types import DuplicatePolicy
    from haystack.utils import Secret
    from haystack_integrations.document_stores.pgvector import PgvectorDocumentStore

    by_suffix = {
        ".pdf": converters.PyPDFToDocument(), ".docx": converters.DOCXToDocument(),
        ".html": converters.HTMLToDocument(), ".pptx": converters.PPTXToDocument(),
        ".xlsx": converters.XLSXToDocument(), ".csv": converters.CSVToDocument(),
        ".txt": converters.TextFileToDocument(), ".md": converters.TextFileToDocument(),
    }  # fmt: skip
    splitter = DocumentSplitter(split_by="word", split_length=CHUNK_WORDS, split_overlap=0)
    splitter.warm_up()
    embedder = OpenAIDocumentEmbedder(
        api_key=Secret.from_token("none"),
        api_base_url=connected.embedding_url(),
        model=connected.MODEL,
        batch_size=connected.BATCH,
        progress_bar=False,
    )
    store = PgvectorDocumentStore(
        connection_string=Secret.from_token(connected.database_url()),
        table_name="haystack",
        embedding_dimension=connected.DIMENSIONS,
        recreate_table=True,
    )
    writer = DocumentWriter(document_store=store, policy=DuplicatePolicy.OVERWRITE)

    def store_file(path: str) -> int:
        found = by_suffix[Path(path).suffix].run(sources=[Path(path)])["documents"]
        texts = [replace(each, content=(each.content or "").replace("\0", "")) for each in found]
        chunks = splitter.run(documents=texts)["documents"]
        embedded = embedder.run(documents=chunks)["documents"]
        return int(writer.run(documents=embedded)["documents_written"])

    return store_file


if __name__ == "__main__":
    main()
