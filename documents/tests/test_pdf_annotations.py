"""What a PDF holds besides its text: fields, links, labels, running heads."""

import pytest
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen.canvas import Canvas

from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract


def test_values_of_a_form_are_read_with_their_names(tmp_path):
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.drawString(50, 700, "A form that somebody filled in.")
    form = canvas.acroForm
    form.textfield(name="Full name", value="Ada Lovelace", x=50, y=600, width=200, height=20)
    form.textfield(name="Empty", value="", x=50, y=570, width=200, height=20)
    form.checkbox(name="Agreed", checked=True, x=50, y=540)
    form.checkbox(name="Refused", checked=False, x=50, y=520)
    canvas.save()
    assert parts_of(extract(tmp_path / "a.pdf")) == [
        ("text", "A form that somebody filled in."),
        ("text", "Full name: Ada Lovelace\nAgreed: Yes"),
    ]


def test_links_are_told_beside_the_text(tmp_path):
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.drawString(50, 700, "More about it here.")
    for _ in range(2):
        canvas.linkURL("https://example.org/more", (50, 690, 200, 710))
    canvas.save()
    extracted = extract(tmp_path / "a.pdf")
    assert extracted.details["links"] == ["https://example.org/more"]
    assert extracted.text == "More about it here."


def test_labels_of_pages_are_told_where_a_new_count_begins(tmp_path):
    plain = files.pdf(tmp_path / "a.pdf", [[(50, 700, f"Words {n}.")] for n in range(5)])
    assert "page_labels" not in extract(plain).details
    writer = PdfWriter(PdfReader(plain))
    writer.set_page_label(0, 2, style="/r")
    writer.set_page_label(3, 4, style="/D", start=1)
    writer.write(tmp_path / "b.pdf")
    assert extract(tmp_path / "b.pdf").details["page_labels"] == {"1": "i", "4": "1"}


def test_running_heads_are_counted(tmp_path):
    pages = [
        [(50, 810, "The Journal"), (50, 700, f"Text {n}."), (290, 20, str(n))] for n in (1, 2, 3)
    ]
    extracted = extract(files.pdf(tmp_path / "a.pdf", pages))
    assert extracted.text == "Text 1.\n\nText 2.\n\nText 3."
    assert extracted.details["dropped_repeats"] == 6


@pytest.mark.parametrize("degrees", [90, 270])
def test_a_page_may_be_turned(tmp_path, degrees):
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=(595, 842))
    canvas.translate(*((595, 0) if degrees == 90 else (0, 842)))
    canvas.rotate(degrees)
    for at, words in enumerate(("The first line of it goes on and", "the second line", "ends.")):
        canvas.drawString(50, 500 - 12 * at, words)
    canvas.drawString(50, 400, "Another paragraph stands apart.")
    canvas.setPageRotation(degrees)
    canvas.save()
    text = " ".join(extract(tmp_path / "a.pdf").text.split())
    body = "The first line of it goes on and the second line ends. Another paragraph stands apart."
    assert text == body


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_text_may_lie_turned_on_a_page_that_is_not_with_upright_text_beside_it(tmp_path, degrees):
    upright = [f"Level line {n} of the text that stands upright." for n in range(3)]
    paragraph = [
        "The harbour was quiet in the morning when the",
        "first boats came in with",
        "fish.",
    ]
    rows = [("Region", "Sales", "Growth"), ("North", "1,200", "9%"), ("South", "840", "4%")]
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=(595, 842))
    for n, line in enumerate(upright):
        canvas.drawString(60, 760 - 14 * n, line)
    canvas.translate(*{90: (595, 0), 180: (595, 842), 270: (0, 842)}[degrees])
    canvas.rotate(degrees)
    for n, line in enumerate([*paragraph, *paragraph]):
        canvas.drawString(60, 440 - 14 * n, line)
    for n, row in enumerate(rows):
        for x, cell in zip((60, 200, 300), row, strict=True):
            canvas.drawString(x, 300 - 14 * n, cell)
    canvas.save()
    text = " ".join(extract(tmp_path / "a.pdf").text.split())
    table = "Region | Sales | Growth North | 1,200 | 9% South | 840 | 4%"
    assert text == " ".join([*paragraph, *paragraph, table, *upright])


def test_what_people_noted_on_a_page(tmp_path):
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.drawString(50, 700, "A page that somebody read.")
    canvas.textAnnotation("Is that so?", (50, 600, 70, 620))
    canvas.textAnnotation("somebody read", (50, 500, 70, 520))  # repeats what it marks
    canvas.freeTextAnnotation("Approved", (50, 400, 200, 420))
    canvas.save()
    assert parts_of(extract(tmp_path / "a.pdf")) == [
        ("text", "A page that somebody read."),
        ("text", "Comment: Is that so?\nApproved"),
    ]
