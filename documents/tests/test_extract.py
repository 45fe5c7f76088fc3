import pytest

from documents.exceptions import NoText, ReadingStopped, TooMuchText
from documents.extraction.readers import READERS
from documents.extraction.types import SUPPORTED
from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract


def test_every_supported_type_has_a_reader():
    assert SUPPORTED.keys() == READERS.keys()


def test_pdf_paragraphs_headings_and_pages(tmp_path):
    def running(number):
        return [(50, 810, "The Journal of Tests"), (290, 20, str(number))]

    pages = [
        [(50, 740, "18|Great Expectations"),
         (50, 700, "This paragraph goes on for a good while, so"),
         (50, 688, "that it needs a second line and a hyphen-"), (50, 676, "ated word."),
         (50, 640, "Another paragraph stands apart.")],
        [(50, 700, "On the second page.")],
        [(50, 700, "On the third page.")],
    ]  # fmt: skip
    pages = [running(n) + lines for n, lines in enumerate(pages, 1)]
    extracted = extract(files.pdf(tmp_path / "a.pdf", pages))
    assert parts_of(extracted) == [
        ("title", "Great Expectations"),
        (
            "text",
            (
                "This paragraph goes on for a good while, so that it needs a second line and"
                " a hyphenated word."
            ),
        ),
        ("text", "Another paragraph stands apart."),
        ("text", "On the second page."),
        ("text", "On the third page."),
    ]
    assert [element.page for element in extracted.elements] == [1, 1, 1, 2, 3]
    assert extracted.pages == 3
    assert extracted.language == "en"


def test_pdf_columns_are_read_one_after_the_other(tmp_path):
    left = [(50, 700 - 12 * n, f"Left column line {n} goes on and") for n in range(4)]
    right = [(320, 700 - 12 * n, f"right column line {n} goes on and") for n in range(4)]
    ((_, text),) = parts_of(extract(files.pdf(tmp_path / "a.pdf", [left + right])))
    assert text.index("Left column line 3") < text.index("right column line 0")


def test_a_pdf_says_which_pages_are_empty_and_why_nothing_was_found(tmp_path):
    mixed = extract(files.pdf(tmp_path / "a.pdf", [[(50, 700, "Words.")], []]))
    assert mixed.details["empty_pages"] == 1
    assert mixed.details["warnings"] == ["1 of 2 pages have no text"]
    with pytest.raises(NoText, match=r"^No text was found in the file \(PDF\)\.$"):
        extract(files.pdf(tmp_path / "b.pdf", [[]]))


def test_too_much_text_and_no_text_are_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("word " * 100)
    small = files.Limits(
        max_bytes=1000, memory_bytes=500_000_000, seconds=20, max_pages=1, max_chars=400
    )
    with pytest.raises(TooMuchText, match="more than 400 characters"):
        extract(path, limits=small)
    path.write_text(" \n\n -- \n")
    with pytest.raises(NoText, match="Plain text"):
        extract(path)


def test_reading_stops_when_asked(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("words " * 1_000_000)
    with pytest.raises(ReadingStopped):
        extract(path, should_stop=lambda: True)
