"""LangChain with PGVector: a loader by format, RecursiveCharacterTextSplitter, add_documents."""

from collections.abc import Callable
from pathlib import Path

from bench.peers import connected, spacy_model


def main() -> None:
    connected.serve_files(_prepare)


def _prepare() -> Callable[[str], int]:
    spacy_model.use_installed()  # for the loaders that use unstructured
    from langchain_community import document_loaders as loaders
    from langchain_openai import OpenAIEmbeddings
    from langchain_postgres import PGVector
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    by_suffix = {
        ".pdf": loaders.PyPDFLoader, ".docx": loaders.Docx2txtLoader, ".html": loaders.BSHTMLLoader,
        ".pptx": loaders.UnstructuredPowerPointLoader, ".xlsx": loaders.UnstructuredExcelLoader,
        ".csv": loaders.CSVLoader, ".txt": loaders.TextLoader, ".md": loaders.TextLoader,
    }  # fmt: skip
    embeddings = OpenAIEmbeddings(
        model=connected.MODEL,
        base_url=connected.embedding_url(),
        api_key="none",
        chunk_size=connected.BATCH,
        check_embedding_ctx_length=False,  # otherwise it downloads a tokenizer
    )
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=connected.CHUNK_CHARACTERS, chunk_overlap=100
    )
    store = PGVector(
        embeddings=embeddings,
        collection_name="bench",
        embedding_length=connected.DIMENSIONS,
        connection=connected.database_url().replace("postgresql://", "postgresql+psycopg://"),
        pre_delete_collection=True,
    )

    def store_file(path: str) -> int:
        chunks = splitter.split_documents(by_suffix[Path(path).suffix](path).load())
        for chunk in chunks:
            chunk.page_content = chunk.page_content.replace("\0", "")
        store.add_documents(chunks)
        return len(chunks)

    return store_file


if __name__ == "__main__":
    main()
