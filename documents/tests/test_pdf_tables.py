"""Tables of PDFs whose cells go on in further lines."""

import pytest

from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract

COLUMNS = (50, 180, 230)
ROWS = [
    (["Risk"], ["Level"], ["Measures"]),
    (
        ["Loss of key staff"],
        ["High"],
        ["Monthly control of all costs by the board, with a", "report to the committee that has to",
         "stop all payments then."],
    ),
    (
        ["Budget overrun by more", "than ten percent"],
        ["Medium"],
        ["A report to the committee, which decides by a", "vote."],
    ),
    (["Delay"], ["Low"], ["None"]),
    (["Fraud by the people in", "charge"], ["Low"], ["Two of them sign."]),
]  # fmt: skip
WHOLE = "\n".join(" | ".join(map(" ".join, row)) for row in ROWS)
AFTER = (50, 400, "The board looks at these risks in every quarter of the year.")


def cells(top=600, leading=12, apart=6):
    """Column, height and text of every line of every cell, cell by cell."""
    for row in ROWS:
        for x, cell in zip(COLUMNS, row, strict=True):
            yield from ((x, top - leading * n, text) for n, text in enumerate(cell))
        top -= leading * max(map(len, row)) + apart


@pytest.mark.parametrize("line_by_line", [False, True])
def test_cells_of_words_keep_all_their_lines(tmp_path, line_by_line):
    lines = list(cells())
    if line_by_line:
        lines.sort(key=lambda line: (-line[1], line[0]))
    extracted = extract(files.pdf(tmp_path / "a.pdf", [[*lines, AFTER]]))
    assert parts_of(extracted) == [("table", WHOLE), ("text", AFTER[2])]
    assert extracted.elements[0].header == "Risk | Level | Measures"


def test_rows_that_are_no_closer_than_others_are_not_lines_of_one(tmp_path):
    rows = [
        ("Name", "Place", "Office"),
        ("Ann Miller", "Oslo", "Chair"),
        ("Bob Stone", "", "Clerk"),
        ("Carl Winter", "Rome", "Clerk"),
    ]
    lines = [
        (x, 600 - 16 * n, text)
        for n, row in enumerate(rows)
        for x, text in zip((50, 150, 250), row, strict=True)
        if text
    ]
    (part,) = parts_of(extract(files.pdf(tmp_path / "a.pdf", [lines])))
    assert part == ("table", "\n".join(" | ".join(row) for row in rows).replace(" |  | ", " | | "))
