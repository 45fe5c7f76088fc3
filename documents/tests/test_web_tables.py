"""Tables of web pages: every value in its column, and what only looks like a table apart."""

import time

import pytest


def rows(read, table):
    [(kind, text)] = read("a.html", table)
    assert kind == "table"
    return text.split("\n")


def test_cells_over_several_rows_or_columns_move_nothing(read):
    table = """<table><tr><th>Region</th><th>Year</th><th>Sales</th></tr>
    <tr><td rowspan=2>North</td><td>2023</td><td>10</td></tr><tr><td>2024</td><td>20</td></tr>
    <tr><td colspan=2>Total</td><td>30</td></tr></table>"""
    assert rows(read, table) == [
        "Region | Year | Sales",
        "North | 2023 | 10",
        "| 2024 | 20",
        "Total | | 30",
    ]


def test_a_cell_ends_with_its_group_of_rows(read):
    table = """<table><thead><tr><th rowspan=5>A</th><th>B</th></tr><tr><th>C</th></tr></thead>
    <tbody><tr><td rowspan=0>1</td><td>2</td></tr><tr><td>3</td></tr></tbody>
    <tfoot><tr><td>4</td><td>5</td></tr></tfoot></table>"""
    assert rows(read, table) == ["A | B", "| C", "1 | 2", "| 3", "4 | 5"]


def test_empty_cells_keep_their_place_unless_all_of_a_column_is_empty(read):
    table = """<table><tr><th>Room</th><th>Mon</th><th></th><th>Tue</th><th>Wed</th></tr>
    <tr><td>A</td><td></td><td></td><td>Maths</td><td></td></tr>
    <tr><td>B</td><td></td><td></td><td></td><td>Art</td></tr></table>"""
    assert rows(read, table) == ["Room | Mon | Tue | Wed", "A | | Maths", "B | | | Art"]


@pytest.mark.parametrize(
    "row",
    [
        "<td>Cash</td><td></td><td></td><td>{}</td><td></td><td></td><td></td><td>{}</td><td></td>",
        "<td>Cash</td><td></td><td colspan=2>{}</td><td></td><td></td><td colspan=2>{}</td>",
    ],
)
def test_signs_and_empty_room_have_no_columns_of_their_own(read, row):
    table = f"""<table><tr><td></td><td></td><td colspan=2>2021</td><td></td><td></td>
    <td colspan=2>2020</td><td></td></tr><tr><td>Sales</td><td></td><td>$</td><td>(10</td><td>)</td>
    <td></td><td>$</td><td>12</td><td></td></tr><tr>{row.format(3, 4)}</tr></table>"""
    assert rows(read, table) == ["| 2021 | 2020", "Sales | $(10) | $12", "Cash | 3 | 4"]


def test_a_list_in_a_cell_is_text_where_columns_have_names(read):
    cells = "<td>Pro</td><td><ul><li>Mail</li><li>Chat</li></ul></td>"
    ordered = "<td>Home</td><td><ol><li>Mail</li><li>Chat</li></ol></td>"
    names = "<tr><th>Plan</th><th>Features</th></tr>"
    table = f"<table>{names}<tr>{cells}</tr><tr>{ordered}</tr></table>"
    assert rows(read, table) == ["Plan | Features", "Pro | Mail Chat", "Home | 1. Mail 2. Chat"]
    layout = read("a.html", f"<table><tr>{cells}</tr></table>")
    assert layout == [("text", "Pro"), ("list_item", "Mail"), ("list_item", "Chat")]


def test_a_table_in_a_cell_stands_alone_also_where_columns_have_names(read):
    inner = "<table><tr><td>x</td><td>1</td></tr><tr><td>y</td><td>2</td></tr></table>"
    outer = f"<table><tr><th>A</th><th>B</th></tr><tr><td>C</td><td>{inner}</td></tr></table>"
    assert ("table", "x | 1\ny | 2") in read("a.html", outer)


def test_a_table_with_one_in_a_cell_keeps_its_own_rows(read):
    inner = "<table><tr><td>x</td><td>1</td></tr><tr><td>y</td><td>2</td></tr></table>"
    cell = f"<td>see {inner} below<table hidden><tr><td>z</td></tr></table></td>"
    rows = f"<tr><td>C</td>{cell}</tr><tr><td>D</td><td>4</td></tr>"
    assert read("a.html", f"<table><tr><th>A</th><th>B</th></tr>{rows}</table>") == [
        ("table", "A | B\nC | see below\nD | 4"),
        ("table", "x | 1\ny | 2"),
    ]


@pytest.mark.parametrize(
    "table",
    [
        "<tr>" + "<td rowspan=1000000 colspan=1000>x" * 1000 + "<tr><td>y" * 20_000,
        "<tr><td colspan=1000>x<td>y" * 20_000,
        "<tr>" + "<td rowspan=1000000>x" * 5000 + "<tr><td>y" * 20_000,
    ],
)
def test_absurdly_large_cells_cost_no_time(read, table):
    began = time.monotonic()
    assert read("a.html", f"<table>{table}</table>")
    assert time.monotonic() - began < 10


def test_style_sheets_in_cells_make_no_layout_of_a_table(read):
    sheet = f"<style>{'.hlist li { margin: 0 } ' * 40}</style>"
    table = "<table><tr><th>Founded<td>1975<tr><th>Founders<td>{}<ul><li>Ann<li>Bob</ul></table>"
    assert rows(read, table.format(sheet)) == ["Founded | 1975", "Founders | Ann Bob"]
