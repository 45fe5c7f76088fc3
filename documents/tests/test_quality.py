"""The report on how well a document could be read, and that every chunk is its span of the text."""

import pytest

from documents.extraction.quality import KEYS, report_in
from documents.extraction.types import detect
from documents.steps.extract import extract_text
from documents.steps.split import STRATEGIES, split_text
from documents.tests import files

PROSE = "The harbour froze over in the winter of 1963. Nobody had seen that before.\n\n" * 40


def extract(path):
    return extract_text(
        path, content_type=detect(path, path.name), name=path.name, limits=files.LIMITS,
        report=lambda done, total: None, should_stop=lambda: False,
    )  # fmt: skip


def written(content):
    def make(path):
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def two_pages(path):
    return files.pdf(path, [[(50, 700, "18|Report"), (50, 650, "All is well.")], []])


FORMATS = {
    "a.pdf": two_pages,
    "a.docx": files.word,
    "a.pptx": files.slides,
    "a.xlsx": files.workbook,
    "a.epub": files.book,
    "a.odt": files.open_text,
    "a.eml": files.mail,
    "a.txt": written(PROSE + "x\x00y \ufeff\u2028人人生而自由，在尊严和权利上一律平等。" * 90),
    "a.md": written(
        "# One\n\n" + PROSE + "## Two\n\n- a\n- b\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    ),
    "a.html": written(
        f"<html><body><h1>One</h1><p>{PROSE}</p><table><tr><td>a</td></tr></table></body></html>"
    ),
    "a.csv": written("name,amount\n" + "".join(f"item {n},{n}\n" for n in range(400))),
    "a.tsv": written("name\tamount\n" + "".join(f"item {n}\t{n}\n" for n in range(400))),
    "a.json": written('{"lone": "\\ud800 half", "nul": "\\u0000", "list": [1, 2]}'),
    "a.ipynb": written('{"cells": [{"cell_type": "markdown", "source": "# One\\n\\nWords."}]}'),
    "a.xml": written("<?xml version='1.0'?><a><b>One.</b>" + "<c>Two words.</c>" * 300 + "</a>"),
    "a.rtf": written(rb"{\rtf1\ansi {\b Title}\par Some words of text.\par}"),
    "a.rst": written("Title\n=====\n\nSome words.\n\n* one\n* two\n"),
    "a.org": written("* Title\nSome words.\n** Below\nMore words.\n"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_chunk_of_every_format_is_its_span_of_the_text(tmp_path, name):
    extracted = extract(FORMATS[name](tmp_path / name))
    text = extracted.text
    assert "\x00" not in text
    assert text.encode()  # no lone surrogates
    assert len(text) == extracted.details["characters"]
    for strategy in STRATEGIES:
        covered = 0
        for chunk in split_text(extracted, size=64, overlap=16, strategy=strategy):
            assert not text[covered : chunk.start].strip()
            assert text[chunk.start : chunk.end].strip() == text[chunk.start : chunk.end] != ""
            assert (chunk.page_start is None) == (extracted.pages is None)
            covered = chunk.end
        assert not text[covered:].strip()


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_tells_the_same_things(tmp_path, name):
    details = extract(FORMATS[name](tmp_path / name)).details
    expected = set(KEYS) - {"ocr_confidence"}
    if details["pages"] is None:
        expected -= {"empty_pages", "ocr_pages"}
    assert set(report_in(details)) == expected


def test_the_report_of_a_pdf_with_an_empty_page(tmp_path):
    assert report_in(extract(two_pages(tmp_path / "a.pdf")).details) == {
        "pages": 2, "characters": 20, "language": "en", "garbled": 0.0, "tables": 0,
        "dropped_repeats": 0, "warnings": ["1 of 2 pages have no text"], "empty_pages": 1,
        "ocr_pages": 0,
    }  # fmt: skip


def test_garbled_characters_are_counted_and_told(tmp_path):
    path = written("Words \ue000\ue001\ue002 and more words.\n" * 30)(tmp_path / "a.txt")
    details = extract(path).details
    assert details["garbled"] == pytest.approx(3 / 26, abs=0.001)
    assert details["warnings"] == ["12% of the characters are garbled"]
    clean = extract(written("Größe – “fine” 人人 🙂")(tmp_path / "b.txt")).details
    assert (clean["garbled"], clean["warnings"]) == (0.0, [])


def test_tables_are_counted(tmp_path):
    assert extract(files.word(tmp_path / "a.docx")).details["tables"] == 1
