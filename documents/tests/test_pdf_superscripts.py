"""Superscript numbers in PDFs."""

import pytest
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract


def in_one_line(y, *runs):
    """Runs one after another; those in small type stand above the line or, with a "_", below."""
    x = 50
    for run in runs:
        size, text = (8, run[1:]) if run[0] in "^_" else (12, run)
        yield x, y + {"^": 5, "_": -3}.get(run[0], 0), f"{size}|{text}"
        x += pdfmetrics.stringWidth(text, "Helvetica", size)


def test_raised_numbers_do_not_run_on(tmp_path):
    first = ("It has 10", "^6", " parts, 10", "^-3", " in pain.", "^12", " Not in H", "_2", "O.")
    lines = (first, ("Of 1.25 and of 2024.",), ("^1", " A note at the foot of the page."))
    page = [run for n, line in enumerate(lines) for run in in_one_line(700 - 50 * n, *line)]
    assert [text for _, text in parts_of(extract(files.pdf(tmp_path / "a.pdf", [page])))] == [
        "It has 10⁶ parts, 10⁻³ in pain.¹² Not in H2O.",
        "Of 1.25 and of 2024.",
        "1 A note at the foot of the page.",
    ]


@pytest.mark.parametrize("rise", [4, 5.7])  # there PDFium says that the line ends before it
def test_a_word_with_a_note_stays_whole(tmp_path, rise):
    canvas = Canvas(str(tmp_path / "a.pdf"))
    x = 50
    for text, size, y in (("no one can use our sensor", 12, 0), ("2", 7, rise), (", not", 12, 0)):
        canvas.setFont("Times-Roman", size)
        canvas.drawString(x, 700 + y, text)
        x += pdfmetrics.stringWidth(text, "Times-Roman", size)
    canvas.save()
    found = extract(tmp_path / "a.pdf")
    assert parts_of(found) == [("text", "no one can use our sensor², not")]


def test_the_size_of_a_line_is_not_that_of_a_number_in_its_middle(tmp_path):
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.setFont("Helvetica", 12)
    canvas.drawString(50, 714, "A line of the paragraph, which goes on in another")
    x = 50
    for text, size, rise in (
        ("and it has its note here", 12, 0),
        ("2", 7, 2.5),
        (", not far from the middle", 12, 0),
    ):
        canvas.setFont("Helvetica", size)
        canvas.drawString(x, 700 + rise, text)
        x += pdfmetrics.stringWidth(text, "Helvetica", size)
    canvas.save()
    ((_, text),) = parts_of(extract(tmp_path / "a.pdf"))
    assert text.endswith("in another and it has its note here², not far from the middle")
