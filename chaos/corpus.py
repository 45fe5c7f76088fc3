"""Small documents of many formats, each with unique words; reproducible for the same `rng`."""

import io
import tempfile
from pathlib import Path

import docx

from documents.tests import files

KINDS = ("txt", "md", "html", "csv", "docx", "pdf")
LINES_OF_A_PAGE = 40


def document(kind, rng, *, paragraphs=None):
    """Its name and content. Three to thirty paragraphs, usually several batches."""
    mark = f"{rng.getrandbits(48):012x}"
    count = paragraphs or rng.randint(3, 30)
    told = [
        f"Paragraph {n} of {mark} tells what the keeper of lighthouse {mark} saw on day {n}. " * 4
        for n in range(count)
    ]
    return f"{mark}.{kind}", _MAKERS[kind](mark, told)


def _txt(mark, told):
    return "\n\n".join(told).encode()


def _md(mark, told):
    parts = [f"## Day {n}\n\n{paragraph}" for n, paragraph in enumerate(told)]
    return "\n\n".join([f"# Log {mark}", *parts]).encode()


def _html(mark, told):
    body = "".join(f"<p>{paragraph}</p>" for paragraph in told)
    return f"<html><head><title>{mark}</title></head><body>{body}</body></html>".encode()


def _csv(mark, told):
    rows = [f'{n},"{paragraph}"' for n, paragraph in enumerate(told)]
    return "\n".join(["day,said", *rows]).encode()


def _docx(mark, told):
    document = docx.Document()
    document.add_heading(f"Log {mark}", 1)
    for paragraph in told:
        document.add_paragraph(paragraph)
    content = io.BytesIO()
    document.save(content)
    return content.getvalue()


def _pdf(mark, told):
    sentences = [f"{each}." for paragraph in told for each in paragraph.split(". ") if each]
    pages = [
        [(50, 780 - 18 * n, line) for n, line in enumerate(sentences[at : at + LINES_OF_A_PAGE])]
        for at in range(0, len(sentences), LINES_OF_A_PAGE)
    ]
    with tempfile.TemporaryDirectory() as directory:
        return files.pdf(Path(directory) / "log.pdf", pages).read_bytes()


_MAKERS = {"txt": _txt, "md": _md, "html": _html, "csv": _csv, "docx": _docx, "pdf": _pdf}
