"""What is left out of the margins of PDFs' pages, and what only looks like it."""

import pytest
from reportlab.pdfgen.canvas import Canvas

from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract

WORDS = [(50, 610 - 12 * n, "Words of the page.") for n in range(5)]


def text_of(path, pages):
    return extract(files.pdf(path, pages)).text


@pytest.mark.parametrize("number", ["2023", "88120453"])
def test_a_number_that_counts_no_page_is_kept(tmp_path, number):
    assert number in text_of(tmp_path / "a.pdf", [[(500, 800, number), *WORDS]])


@pytest.mark.parametrize("numbers", [["1"], ["- 1 -", "- 2 -"], ["346", "347"], ["i", "ii", "iii"]])
def test_numbers_that_count_the_pages_are_left_out(tmp_path, numbers):
    pages = [[*WORDS, (290, 30, number)] for number in numbers]
    text = text_of(tmp_path / "a.pdf", pages)
    assert [number for number in numbers if number in text.split("\n")] == []


def test_both_numbers_of_sheets_with_two_pages_are_left_out(tmp_path):
    pages = [[*WORDS, (150, 30, str(2 * n)), (450, 30, str(2 * n + 1))] for n in range(4, 8)]
    assert set(text_of(tmp_path / "a.pdf", pages)) & set("0123456789") == set()


def test_numbers_of_a_table_that_reaches_into_the_margins_are_kept(tmp_path):
    rows = [[(f"Bracket, type {page}{n}", str(n % 9 + 1)) for n in range(60)] for page in "ABCD"]
    pages = [
        [
            line
            for n, (part, count) in enumerate(rows_of_page)
            for line in ((50, 820 - 13 * n, part), (400, 820 - 13 * n, count))
        ]
        for rows_of_page in rows
    ]
    text = text_of(tmp_path / "a.pdf", pages)
    assert [row for rows_of_page in rows for row in rows_of_page] == [
        tuple(row.split(" | ")) for row in text.split("\n") if row
    ]


def test_names_of_columns_are_kept_on_every_page_and_running_heads_above_them_are_not(tmp_path):
    names = [(50, 800, "b|Station"), (200, 800, "b|Year"), (300, 800, "b|Trains")]
    pages = [
        [(50, 825, "Railways of the north"), (400, 825, "Confidential"), *names]
        + [
            (x, 785 - 15 * n, text)
            for n in range(40)
            for x, text in ((50, f"Stop {page}{n}"), (200, f"19{n + 10}"), (300, f"{n * page} t"))
        ]
        for page in (1, 2, 3, 4)
    ]
    text = text_of(tmp_path / "a.pdf", pages)
    assert text.count("Station | Year | Trains") == 4
    assert "Railways" not in text
    assert "Confidential" not in text


def test_notes_whose_numbers_are_those_of_their_pages_are_kept(tmp_path):
    notes = ["1 Corresponding author.", "2 See the minutes.", "3 Compare Smith."]
    pages = [[*WORDS, (50, 60, note), (290, 30, f"Page {note[0]}")] for note in notes]
    text = text_of(tmp_path / "a.pdf", pages)
    assert [note for note in notes if note in text] == notes
    assert "Page" not in text


def test_headings_that_begin_several_pages_are_kept(tmp_path):
    heads = ["Winter", "Exercises", "Spring", "Exercises", "Summer", "Exercises", "Autumn", "Notes"]
    pages = [
        [(50, 800, f"18|{head}"), *WORDS, (290, 30, str(n))] for n, head in enumerate(heads, 1)
    ]
    extracted = extract(files.pdf(tmp_path / "a.pdf", pages))
    assert [text for kind, text in parts_of(extracted) if kind == "title"] == heads


def test_lines_on_pages_far_from_each_other_are_kept(tmp_path):
    pages = [[(50, 800, "The same" if n % 5 == 0 else f"Head {n * n}"), *WORDS] for n in range(16)]
    assert text_of(tmp_path / "a.pdf", pages).count("The same") == 4


def test_a_document_of_nothing_but_what_runs_through_its_margins_says_it_once(tmp_path):
    pages = [[], *([(50, 800, "Ferry ticket, one way")] for _ in range(4))]
    extracted = extract(files.pdf(tmp_path / "a.pdf", pages))
    assert extracted.text == "Ferry ticket, one way"
    assert extracted.details["dropped_repeats"] == 3


def test_a_page_that_is_part_of_a_sheet_ends_at_its_own_edges(tmp_path):
    pages = [
        [(50, 490, "NOTICE.indd 3"), (320, 690, "Fees of the month"), (320, 670, f"Fee {page}.")]
        for page in ("one", "two", "three")
    ]
    path = files.pdf(tmp_path / "a.pdf", pages, cropBox=(300, 500, 595, 842))
    fees = [f"Fees of the month Fee {page}." for page in ("one", "two", "three")]
    assert text_of_pages(path) == fees


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_lines_in_any_direction_that_are_outside_of_the_page_are_not_read(tmp_path, turn):
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=(400, 400), cropBox=(100, 100, 300, 300))
    canvas.translate(200, 200)
    canvas.rotate(turn)
    canvas.drawString(-90, 0, "Words of the page,")
    canvas.drawString(-90, -12, "and others.")
    canvas.drawString(-90, 120, "Printer's mark")
    canvas.save()
    assert text_of_pages(tmp_path / "a.pdf") == ["Words of the page, and others."]


def text_of_pages(path):
    return [" ".join(text.split()) for _, text in parts_of(extract(path))]
