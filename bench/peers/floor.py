"""The floor: the lightest reader of each format, a plain splitter, COPY; no layout, no
guarantees."""

import csv
import zipfile
from collections.abc import Callable
from pathlib import Path

from bench.peers import connected


def main() -> None:
    connected.serve_files(_prepare)


def _prepare() -> Callable[[str], int]:
    import openai
    import psycopg

    client = openai.OpenAI(base_url=connected.embedding_url(), api_key="none")
    database = psycopg.connect(connected.database_url(), autocommit=True)
    connected.table(database, "floor")
    for reader in READERS.values():
        reader.prepare()

    def store(path: str) -> int:
        texts = _split(READERS[Path(path).suffix].read(path))
        connected.copy(database, "floor", path, texts, connected.vectors_of(client, texts))
        return len(texts)

    return store


def _split(text: str) -> list[str]:
    """Paragraphs merged up to the size; longer ones are split."""
    found, held = [], ""
    for line in text.splitlines():
        for at in range(0, max(len(line), 1), connected.CHUNK_CHARACTERS):
            piece = line[at : at + connected.CHUNK_CHARACTERS]
            if len(held) + len(piece) >= connected.CHUNK_CHARACTERS:
                found.append(held)
                held = ""
            held += piece + "\n"
    return [text for text in (*found, held) if text.strip()]


class Pdf:
    @staticmethod
    def prepare() -> None:
        import pypdfium2  # noqa: F401

    @staticmethod
    def read(path: str) -> str:
        import pypdfium2

        with pypdfium2.PdfDocument(path) as document:
            return "\n".join(page.get_textpage().get_text_bounded() for page in document)


class Html:
    @staticmethod
    def prepare() -> None:
        import lxml.html  # noqa: F401

    @staticmethod
    def read(path: str) -> str:
        import lxml.html

        root = lxml.html.parse(path).getroot()
        for each in root.xpath("//script|//style"):
            each.drop_tree()
        return "\n".join(text.strip() for text in root.itertext() if text.strip())


class Office:
    """The runs of text in the parts of an Office Open XML file."""

    @staticmethod
    def prepare() -> None:
        import lxml.etree  # noqa: F401

    @staticmethod
    def read(path: str) -> str:
        import lxml.etree

        lines = []
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".xml") and name.startswith(
                    ("word/document", "ppt/slides/slide", "xl/sharedStrings", "xl/worksheets/")
                ):
                    root = lxml.etree.fromstring(archive.read(name))
                    lines += [text for text in root.itertext() if text.strip()]
        return "\n".join(lines)


class Text:
    @staticmethod
    def prepare() -> None:
        return

    @staticmethod
    def read(path: str) -> str:
        return Path(path).read_text(encoding="utf-8", errors="replace")


class Csv(Text):
    @staticmethod
    def read(path: str) -> str:
        with Path(path).open(encoding="utf-8", errors="replace", newline="") as file:
            return "\n".join(", ".join(row) for row in csv.reader(file))


READERS = {
    ".pdf": Pdf, ".html": Html, ".htm": Html, ".docx": Office, ".pptx": Office, ".xlsx": Office,
    ".txt": Text, ".md": Text, ".csv": Csv,
}  # fmt: skip

if __name__ == "__main__":
    main()
