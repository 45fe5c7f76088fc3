"""Columns and tables of PDFs, told by where the lines stand."""

import pytest
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from documents.extraction.pdf.garbled import is_garbled
from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract
from documents.tests.test_pdf_right_to_left import pdf as signs

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


def test_a_program_with_remarks_beside_its_lines_is_code_not_a_table(tmp_path):
    program = [
        ("mov edx, ebx(748)", "// load primes"),
        ("push esi", "// push it"),
        ("ret", "// end"),
    ]
    lines = [
        (x, 600 - 12 * n, text)
        for n, row in enumerate(program)
        for x, text in zip((50, 200), row, strict=True)
    ]
    listing = "\n".join("  ".join(row) for row in program)
    assert read(tmp_path / "a.pdf", [lines]) == [("code", listing)]


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


BODY = [
    "The harbour was quiet in the morning when the first boats came in with their",
    "catch, and people waited on the quay to buy what they could carry home to eat.",
]


def below(lines, *, top, left=50, step=12):
    return [(left, top - step * n, text) for n, text in enumerate(lines)]


@pytest.mark.parametrize(
    ("lines", "titles"),
    [
        (["b|What the Boats Bring", *BODY], ["What the Boats Bring"]),
        (["b|2 A heading so long that it was set", "b|in two lines"], None),
        (["14|A larger heading", *BODY], ["A larger heading"]),
        (["14|It is said of the sea, and often, that it gives", "14|and takes.", *BODY], []),
        ([*BODY, "b|Harbour Office", "b|Attn: Jane Doe", "b|1 Quay Street", "b|Leigh 9506"], []),
        ([*BODY, "b|Figure 3: Boats by the hour"], []),
        ([*BODY, "b|end for"], []),
        ([*BODY, "b|office@harbour.example"], []),
        ([*BODY, "6b|Boat"], []),
        (["14|• A boat", "14|• A harbour", *BODY], []),
    ],
    ids=[
        "bold",
        "two lines",
        "large",
        "slogan",
        "address",
        "caption",
        "code",
        "mail",
        "label",
        "list",
    ],
)
def test_a_heading_looks_and_reads_like_one(tmp_path, lines, titles):
    placed = [*below(lines, top=700), *below(BODY * 3, top=700 - 12 * len(lines))]
    found = read(tmp_path / "a.pdf", [placed])
    if titles is None:
        titles = [" ".join(line.removeprefix("b|") for line in lines)]
    assert [text for kind, text in found if kind == "title"] == titles


def test_bold_labels_without_a_text_of_their_own_are_no_headings(tmp_path):
    labels = [
        (300 + 40 * n, 600 - 30 * n, f"b|{name}")
        for n, name in enumerate(["Trunk", "Branch", "Exit"])
    ]
    found = read(tmp_path / "a.pdf", [[*below(BODY * 3, top=700), *labels]])
    assert {kind for kind, _ in found} == {"text"}


def test_small_print_at_the_foot_of_a_column_does_not_part_a_sentence(tmp_path):
    left = [f"Line {n} of the left column, which goes on" for n in range(8)]
    right = [f"and line {n} of the right one, which goes on" for n in range(8)]
    notice = ["7|Copyright of this paper is held by those who wrote it, in", "7|Dublin, Ireland."]
    page = [
        *below(left, top=700),
        *below(notice, top=560, step=9),
        *below(right, top=700, left=310),
    ]
    found = read(tmp_path / "a.pdf", [page])
    assert found == [
        ("text", " ".join([*left, *right])),
        ("text", "Copyright of this paper is held by those who wrote it, in Dublin, Ireland."),
    ]


def test_running_heads_beside_page_numbers_are_left_out_whatever_they_say(tmp_path):
    heads = ["Preface 7", "8 Preface", "Boats 9", "10 Nets", "The year 11 in boats"]
    pages = [[(50, 800, head), *below(BODY, top=600)] for head in heads]
    text = extract(files.pdf(tmp_path / "a.pdf", pages)).text
    assert [head for head in heads if head in text] == ["The year 11 in boats"]


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


def test_a_page_whose_large_text_lies_on_its_side(tmp_path):
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=(595, 842))
    for n in range(3):
        canvas.setFont("Helvetica", 10)
        canvas.drawString(50, 700 - 12 * n, f"Line {n} of the text that stands upright.")
    canvas.rotate(90)
    canvas.setFont("Helvetica-Bold", 20)
    canvas.drawString(100, -500, "A name at the margin")
    canvas.save()
    extracted = extract(tmp_path / "a.pdf")
    assert "stands upright." in extracted.text
    assert "A name at the margin" in extracted.text


def test_text_without_a_size(tmp_path):
    path = files.pdf(tmp_path / "a.pdf", [[(50, 700 - n, f"0.01|Words {n}") for n in range(3)]])
    assert "Words 0" in extract(path).text


def test_a_running_head_below_the_margin_is_known_by_its_place(tmp_path):
    heads = ("The Harbour Act {}", "{} A part of the year")
    words = [(50, 610 - 12 * n, "Words.") for n in range(4)]
    pages = [
        [(50, 650, f"b|{heads[n % 2].format(n + 7)}"), (50, 630, f"b|Chapter {n}"), *words]
        for n in range(1, 9)
    ]
    extracted = extract(files.pdf(tmp_path / "a.pdf", pages))
    assert "Harbour" not in extracted.text
    assert "part" not in extracted.text
    assert [text for kind, text in parts_of(extracted) if kind == "title"] == [
        f"Chapter {n}" for n in range(1, 9)
    ]


@pytest.mark.parametrize("height", [650, 800])  # in the text, and in the margin
def test_pages_that_begin_with_numbers_of_their_own_keep_them(tmp_path, height):
    words = [(50, 610 - 12 * n, "Words.") for n in range(5)]
    pages = [[(50, height, f"b|Invoice {n * 4711}"), *words] for n in range(1, 6)]
    extracted = extract(files.pdf(tmp_path / "a.pdf", pages))
    assert [f"Invoice {n * 4711}" in extracted.text for n in range(1, 6)] == [True] * 5


def test_what_counts_the_pages_beside_other_numbers_is_known(tmp_path):
    words = [(50, 610 - 12 * n, "Words.") for n in range(5)]
    feet = [(f"Form 12 - page {n} of 5", f"Case {n * n + 80}") for n in range(1, 6)]
    pages = [[*words, (50, 60, form), (50, 40, case)] for form, case in feet]
    extracted = extract(files.pdf(tmp_path / "a.pdf", pages))
    assert "Form" not in extracted.text
    assert [f"Case {n * n + 80}" in extracted.text for n in range(1, 6)] == [True] * 5


def test_roman_numbers_of_pages_are_known(tmp_path):
    words = [(50, 610 - 12 * n, "Words.") for n in range(5)]
    pages = [[*words, (50, 40, f"Preface to it, {n}")] for n in ("viii", "ix", "x", "xi")]
    assert "Preface" not in extract(files.pdf(tmp_path / "a.pdf", pages)).text


def test_headings_of_one_size_are_as_deep_as_their_numbers(tmp_path):
    heads = (
        "1 Methods",
        "1.1 Readers",
        "1.1.1 Of paper only",
        "Aside",
        "2. Results",
        "A. More",
        "B Appendix",
    )
    lines = [
        (50, 780 - 40 * at - 14 * below, f"b|{head}" if not below else "Words that follow, here.")
        for at, head in enumerate(heads)
        for below in range(2)
    ]
    extracted = extract(files.pdf(tmp_path / "a.pdf", [lines]))
    found = [each for each in extracted.elements if each.kind == "title"]
    assert [extracted.text[each.start : each.end] for each in found] == list(heads)
    assert [each.level for each in found] == [5, 6, 7, 8, 5, 6, 5]


def test_entries_of_a_table_of_contents_are_no_headings(tmp_path):
    lines = [
        (50, 780 - 30 * n, f"b|{n}. A chapter about the harbour and its boats ..... {n}")
        for n in range(1, 4)
    ]
    lines += [(50, 600 - 12 * n, "Words that follow, here.") for n in range(5)]
    extracted = extract(files.pdf(tmp_path / "a.pdf", [lines]))
    assert "title" not in {kind for kind, _ in parts_of(extracted)}


def test_a_table_that_is_drawn_cell_by_cell_keeps_cells_of_several_lines(tmp_path):
    rows = [
        (["Pump"], ["A heavy pump that lifts", "water to the tower, day", "and night"], ["1,200"]),
        (["Valve"], ["Of brass"], ["35"]),
        (["Hose"], ["Rubber hose that is sold", "by the metre"], ["7"]),
    ]
    lines, y = [], 700
    for row in [(["Item"], ["Description"], ["Price"]), *rows]:
        for x, cell in zip((60, 160, 320), row, strict=True):
            lines += [(x, y - 12 * n, text) for n, text in enumerate(cell)]
        y -= 12 * max(map(len, row)) + 8
    assert read(tmp_path / "a.pdf", [lines]) == [
        ("table", "\n".join(" | ".join(" ".join(cell) for cell in row) for row in [
            (["Item"], ["Description"], ["Price"]), *rows
        ])),
    ]  # fmt: skip


SERVICES = [
    ("Item", ["Description"], "Price"),
    ("Audit", ["A yearly look at the books", "and at those of daughters"], "1,200"),
    ("Advice", ["Help with taxes, by letter", "or by telephone, as often", "as you like"], "300"),
    ("Travel", ["By train, second class,", "and nights in hotels", "that are near", "to it"], "45"),
    ("Other", ["Stamps"], "20"),
]


@pytest.mark.parametrize("place", [0.5, 1])  # the middle and the foot of a row
@pytest.mark.parametrize("leading", [11.5, 12, 14])
def test_cells_beside_longer_ones_stay_in_their_rows(tmp_path, place, leading):
    lines, y = [(60, 740, "Words before the table of what it costs.")], 700
    for name, said, price in SERVICES:
        beside = y - (len(said) - 1) * place * leading
        cell = [(160, y - leading * n, text) for n, text in enumerate(said)]
        lines += [(60, beside, name), *cell, (320, beside, price)]
        y -= leading * len(said) + 8
    rows = [f"{name} | {' '.join(said)} | {price}" for name, said, price in SERVICES]
    assert read(tmp_path / "a.pdf", [lines])[1:] == [("table", "\n".join(rows))]


def test_names_beside_several_rows_tear_none_of_them_apart(tmp_path):
    lines = [
        (x, 700, text) for x, text in zip((60, 160, 320), ("Kind", "Way", "Share"), strict=True)
    ]
    for y, name in ((680, "One"), (650, "Both")):
        lines += [(60, y - 6, name), (160, y, "Words"), (320, y, "12.5")]
        lines += [(160, y - 12, "Numbers"), (320, y - 12, "7.5")]
    [(_, table)] = read(tmp_path / "a.pdf", [lines])
    assert {"One | Words | 12.5", "| Numbers | 7.5"} <= set(table.split("\n"))


def test_columns_from_top_to_bottom_are_read_from_the_right(tmp_path):
    pdfmetrics.registerFont(UnicodeCIDFont("HeiseiMin-W3", isVertical=True))
    canvas = Canvas(str(tmp_path / "a.pdf"), pagesize=(595, 842))
    canvas.setFont("HeiseiMin-W3", 12)
    columns = [
        "吾輩は猫である。名前はまだ無い。どこで生",
        "れたかとんと見当がつかぬ。何でも薄暗いじ",
        "めじめした所で泣いていた。",
    ]
    for n, column in enumerate(columns):
        canvas.drawString(500 - 22 * n, 750, column)
    canvas.save()
    assert extract(tmp_path / "a.pdf").text == "".join(columns)


def korean(path, lines):
    pdfmetrics.registerFont(UnicodeCIDFont("HYSMyeongJo-Medium"))
    canvas = Canvas(str(path), pagesize=(595, 842))
    for x, y, size, text in lines:
        canvas.setFont("HYSMyeongJo-Medium", size)
        canvas.drawString(x, y, text)
    canvas.save()
    return parts_of(extract(path))


def test_korean_lines_end_with_a_word_or_within_one(tmp_path):
    lines = [
        "이 보고서는 지난해 항구에 들어온 배를 ",
        "세고 그 결과를 적은 것으로 여러 사람",
        "이 읽는다.",
    ]
    found = korean(tmp_path / "a.pdf", [(50, 700 - 16 * n, 12, x) for n, x in enumerate(lines)])
    assert found == [("text", "".join(lines))]


def test_small_print_parts_no_sentence_in_scripts_without_capitals(tmp_path):
    left = [(50, 700 - 16 * n, 12, "이 보고서는 항구에 들어온 배를 세는 ") for n in range(8)]
    right = [(310, 700 - 16 * n, 12, "것으로 여러 사람이 읽는 보고서를 ") for n in range(8)]
    notice = [(50, 540, 8, "이 글은 저작권이 있다")]
    found = korean(tmp_path / "a.pdf", [*left, *notice, *right])
    assert [text[:6] for _, text in found] == ["이 보고서는", "것으로 여러", "이 글은 저"]


@pytest.mark.parametrize("bullet", ["\uf0b7", "\uf0d8", "\x02"])
def test_bullets_of_fonts_like_wingdings_are_list_items(tmp_path, bullet):
    lines = [f"{bullet} a boat", f"{bullet} a harbour."]
    path = signs(tmp_path / "a.pdf", [(200, 700 - 20 * n, x[::-1]) for n, x in enumerate(lines)])
    assert parts_of(extract(path)) == [("list_item", "• a boat"), ("list_item", "• a harbour.")]


def test_a_table_of_contents_is_its_entries(tmp_path):
    rows_of_dots = {"Harbours": "." * 60, "Boats of the north": ". " * 30, "Fish": "." * 70}
    entries = [f"{name} {dots} {n}" for n, (name, dots) in enumerate(rows_of_dots.items())]
    ((_, text),) = read(tmp_path / "a.pdf", [below(entries, top=700)])
    assert text == "Harbours … 0\nBoats of the north … 1\nFish … 2"
