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


def lines_of(rows, columns, top=700, step=16):
    return [
        (x, top - step * n, text)
        for n, row in enumerate(rows)
        for x, text in zip(columns, row, strict=True)
        if text
    ]


def test_a_cell_over_several_columns_does_not_make_them_one(tmp_path):
    rows = [
        ("Region", "Sales of the year in thousands", "", ""),
        ("", "First half", "Second half", "Total"),
        ("North", "120", "140", "260"),
        ("South", "80", "75", "155"),
        ("East", "not told before the end of June", "", "90"),
        ("West", "31", "45", "76"),
    ]
    lines = lines_of(rows, (50, 150, 240, 330))
    (_, table), *rest = parts_of(extract(files.pdf(tmp_path / "a.pdf", [lines])))
    assert not rest
    assert table.splitlines() == [
        "Region | Sales of the year in thousands",
        "| First half | Second half | Total",
        "North | 120 | 140 | 260",
        "South | 80 | 75 | 155",
        "East | not told before the end of June | | 90",
        "West | 31 | 45 | 76",
    ]


def test_tables_with_other_columns_that_follow_each_other_are_two(tmp_path):
    first = [
        ("Year", "Men", "Women"),
        ("2019", "51", "49"),
        ("2020", "52", "48"),
        ("2021", "53", "47"),
    ]
    second = [
        ("Town", "Low", "Mean", "High", "Rain", "Sun", "Days"),
        ("Oslo", "11.5", "12.5", "13.5", "41", "5.5", "31"),
        ("Rome", "21.5", "22.5", "23.5", "12", "8.5", "30"),
        ("Lima", "31.5", "32.5", "33.5", "10", "7.5", "28"),
    ]
    lines = [
        *lines_of(first, (50, 190, 330)),
        (90, 636, "Temperatures in degrees"),
        *lines_of(second, (50, 90, 130, 230, 270, 380, 420), top=620),
    ]
    parts = parts_of(extract(files.pdf(tmp_path / "a.pdf", [lines])))
    assert [kind for kind, _ in parts] == ["table", "text", "table"]
    assert parts[0][1].splitlines()[1] == "2019 | 51 | 49"
    assert parts[2][1].splitlines()[1] == "Oslo | 11.5 | 12.5 | 13.5 | 41 | 5.5 | 31"


def test_a_first_cell_that_begins_in_the_line_above_is_whole(tmp_path):
    rows = [
        ("", "2023", "2024"),
        ("Sales", "300", "310"),
        ("Operating costs:", "", ""),
        ("Rent and heating", "20", "21"),
        ("Net cash that was provided", "", ""),
        ("by operating activities", "120", "140"),
        ("Interest paid", "12", "11"),
        ("Purchases of property and", "", ""),
        ("equipment", "30", "35"),
    ]
    lines = lines_of(rows, (50, 190, 260), step=14)
    (part,) = parts_of(extract(files.pdf(tmp_path / "a.pdf", [lines])))
    assert part[1].splitlines() == [
        "| 2023 | 2024",
        "Sales | 300 | 310",
        "Operating costs:",
        "Rent and heating | 20 | 21",
        "Net cash that was provided by operating activities | 120 | 140",
        "Interest paid | 12 | 11",
        "Purchases of property and equipment | 30 | 35",
    ]


def test_two_rows_are_a_table_where_they_have_many_cells_each(tmp_path):
    rows = [
        ("Year", "1990", "1992", "1993"),
        ("Share of coffee", "0.32", "0.27", "0.26"),
    ]
    columns = (50, 190, 260, 330)
    (part,) = parts_of(extract(files.pdf(tmp_path / "a.pdf", [lines_of(rows, columns)])))
    assert part == ("table", "Year | 1990 | 1992 | 1993\nShare of coffee | 0.32 | 0.27 | 0.26")


def test_numbers_that_touch_are_parted_by_the_columns_of_the_other_rows(tmp_path):
    wide = "2,218,406 1,180,160"
    rows = [
        ("Age of the people", "Men", "Women", "Counted in the year"),
        ("Under one year", "647,701", "639,327", "2014"),
        ("One to five years", "935,862", "938,510", "2015"),
        ("Six to ten years", "773,533", "252,188", "2016"),
        ("All others", wide, "", "2017"),
    ]
    lines = lines_of(rows, (50, 150, 205, 330))
    (part,) = parts_of(extract(files.pdf(tmp_path / "a.pdf", [lines])))
    assert part[1].splitlines()[-1] == "All others | 2,218,406 | 1,180,160 | 2017"


@pytest.mark.parametrize("by_column", [False, True])  # the order in which they were drawn
def test_words_that_are_hyphenated_in_a_cell_are_whole(tmp_path, by_column):
    rows = [
        ("Item", "Price", "Where it is sold"),
        ("Bolt", "1.20", "At the regional distribu-"),
        ("", "", "tion offices only"),
        ("Nut", "0.40", "In every shop since 2014-"),
        ("", "", "2015 or so, and later on"),
        ("Cog", "7.70", "Anywhere, but never on-"),
        ("Gear", "9.90", "On request"),
    ]
    lines = [each for each in lines_of(rows, (72, 170, 250)) if each[2]]
    lines.sort(key=lambda line: (line[0], -line[1]) if by_column else (-line[1], line[0]))
    (part,) = parts_of(extract(files.pdf(tmp_path / "a.pdf", [lines])))
    assert part[1].splitlines()[1:] == [
        "Bolt | 1.20 | At the regional distribution offices only",
        "Nut | 0.40 | In every shop since 2014-2015 or so, and later on",
        "Cog | 7.70 | Anywhere, but never on-",
        "Gear | 9.90 | On request",
    ]
