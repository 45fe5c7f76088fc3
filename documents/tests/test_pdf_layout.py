"""Columns and tables of PDFs, told by where the lines stand."""

import pytest

from documents.extraction.garbled import is_garbled
from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract

COLUMNS = (50, 200, 290, 380)
ROWS = [
    ("Region", "2023", "2024", "Growth"),
    ("North and West", "1,200", "1,310", "9.2%"),
    ("South", "840", "", "n/a"),
    ("East", "77", "91", "18.2%"),
]


def grid(rows, *, top=600, step=16):
    return [
        (x, top - step * n, text)
        for n, row in enumerate(rows)
        for x, text in zip(COLUMNS, row, strict=True)
        if text
    ]


def read(path, pages):
    return parts_of(extract(files.pdf(path, pages)))


def test_a_table_without_lines_is_rows_in_order_with_its_header(tmp_path):
    before, after = (50, 640, "Sales of the year by region."), (50, 500, "Figures are in euros.")
    extracted = extract(files.pdf(tmp_path / "a.pdf", [[before, *grid(ROWS), after]]))
    table = (
        "Region | 2023 | 2024 | Growth\nNorth and West | 1,200 | 1,310 | 9.2%\n"
        "South | 840 | | n/a\nEast | 77 | 91 | 18.2%"
    )
    assert parts_of(extracted) == [
        ("text", "Sales of the year by region."),
        ("table", table),
        ("text", "Figures are in euros."),
    ]
    assert extracted.elements[1].header == "Region | 2023 | 2024 | Growth"
    assert extracted.details["tables"] == 1


def test_cells_drawn_column_by_column_are_read_row_by_row(tmp_path):
    lines = sorted(grid(ROWS), key=lambda line: line[0])
    ((kind, text),) = read(tmp_path / "a.pdf", [lines])
    assert kind == "table"
    assert text.splitlines()[1] == "North and West | 1,200 | 1,310 | 9.2%"


def test_a_numbered_list_is_no_table(tmp_path):
    lines = [
        (x, 600 - 16 * n, text)
        for n, words in enumerate(("Wash the apples", "Peel them", "Cut them"))
        for x, text in ((50, f"{n + 1}."), (80, words))
    ]
    assert {kind for kind, _ in read(tmp_path / "a.pdf", [lines])} == {"list_item"}


@pytest.mark.parametrize("columns", [2, 3])
def test_columns_drawn_line_by_line_are_read_one_after_the_other(tmp_path, columns):
    width = 500 / columns
    words = "has words that fill its line" + (" and some more of them" if columns == 2 else "")
    body = [
        (50 + width * at, 650 - 12 * n, f"Column {at} line {n} {words}"[: int(width / 5.4)])
        for n in range(8)
        for at in range(columns)
    ]
    heading = (50, 700, "16|A heading over all of the columns")
    text = extract(files.pdf(tmp_path / "a.pdf", [[heading, *body]])).text
    places = [text.index(f"Column {at} line {n}") for at in range(columns) for n in range(8)]
    assert places == sorted(places)
    assert text.startswith("A heading over")


@pytest.mark.parametrize(
    ("text", "garbled"),
    [
        ("The quick brown fox jumps over the lazy dog. " * 20, False),
        ("人人生而自由，在尊严和权利上一律平等。", False),
        ("Où est passé le garçon ? Il a été vu près de la forêt, là-bas, très tôt.", False),
        ("Größe, Äpfel, Öl und Übermut: schöne Wörter für müde Münchner", False),
        ("\ue012\ue013\ue014 \ue015\ue016\ue017 \ue018\ue019", True),
        ("7KLV WHVW LV ZULWWHQ ZLWK VKLIWHG FRGHV DQG QRERGB FDQ UHDG WKHP " * 4, True),
        ("人人生而自由，在尊严和权利上一律平等。".encode("gb18030").decode("latin-1"), True),
    ],
)
def test_a_text_layer_that_says_nothing_is_known(text, garbled):
    assert is_garbled(text) is garbled
