import datetime
import zipfile

import openpyxl
import pytest
import xlsxwriter
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.chart import BarChart
from openpyxl.comments import Comment

from documents.exceptions import CorruptFile, PasswordProtected
from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract


def test_workbook(tmp_path):
    extracted = extract(files.workbook(tmp_path / "a.xlsx"))
    assert parts_of(extracted) == [
        ("title", "Prices"),
        ("table", "Fruit | Price | Since\nApple | 1.5\nPear | 2"),
    ]
    assert extracted.pages == 1
    assert extracted.details["sheets"] == extracted.details["hidden_sheets"] == 1
    assert extracted.details["warnings"] == ["1 hidden sheets were left out"]


def test_cells_are_read_as_they_are_seen(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    cells = {
        "B3": ("Share", None),
        "C3": (0.256, "0.0%"),
        "B4": ("Whole", None),
        "C4": (1, "0%"),
        "B5": ("Not a percentage", None),
        "C5": (0.5, '0.0" %"'),
        "B6": ("Day", None),
        "C6": (datetime.date(2024, 3, 1), "dd/mm/yyyy"),
        "B7": ("Moment", None),
        "C7": (datetime.datetime(2024, 3, 1, 14, 30, 5), None),
        "B8": ("Time", None),
        "C8": (datetime.time(9, 5), None),
        "B9": ("Length", None),
        "C9": (datetime.timedelta(hours=30, minutes=5), "[h]:mm"),
        "B10": ("Sum", None),
        "C10": (0.1 + 0.2, None),
        "B11": ("Flag", None),
        "C11": (True, None),
        "B12": ("Merged", None),
        "B13": ("Code", "00000"),
        "C13": (1234, "00000"),
        "B14": ("Plain", None),
        "C14": (1234, "0"),
    }
    for place, (value, shown) in cells.items():
        sheet[place] = value
        if shown:
            sheet[place].number_format = shown
    sheet.merge_cells("B12:C12")
    book.save(str(tmp_path / "a.xlsx"))
    ((_, title), (_, table)) = parts_of(extract(tmp_path / "a.xlsx"))
    assert title == "Sheet"
    assert table.split("\n") == [
        "Share | 25.6%",
        "Whole | 100%",
        "Not a percentage | 0.5 %",
        "Day | 2024-03-01",
        "Moment | 2024-03-01 14:30:05",
        "Time | 09:05",
        "Length | 30:05",
        "Sum | 0.3",
        "Flag | TRUE",
        "Merged",
        "Code | 01234",
        "Plain | 1234",
    ]


@pytest.mark.parametrize(
    ("value", "code", "seen"),
    [
        (1234.5, '#,##0.00 "€"', "1234.5 €"),
        (-1234.5, "[$$-409]#,##0.00;[Red]-[$$-409]#,##0.00", "-$1234.5"),
        (7, '_-* #,##0.00\\ [$EUR]_-;-* "-"??\\ [$EUR]_-;_-@_-', "7 EUR"),
        (-0.5, "[$CHF-807] 0.00", "-CHF 0.5"),
        (3.25, '0.0"kg";-0.0"kg"', "3.25kg"),
        (5, 'General" °C"', "5 °C"),
        (2_500_000, '0.0,,"M"', "2500000"),  # which is 2.5M
        (5551234567, "(000) 000-0000", "5551234567"),
        (1200, "#,##0_);(#,##0)", "1200"),
        (1, '"Yes";;"No"', "1"),
        (123, '[>=100]0" many";0" few"', "123"),
        (1.5, '# ?/?" cups"', "1.5"),
    ],
)
def test_units_stand_with_their_numbers(tmp_path, value, code, seen):
    book = openpyxl.Workbook()
    book.active.append(["Amount", value, -1])
    book.active["B1"].number_format = code
    book.save(str(tmp_path / "a.xlsx"))
    (_, (_, table)) = parts_of(extract(tmp_path / "a.xlsx"))
    assert table == f"Amount | {seen} | -1"


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        (9783161484100, "9783161484100"),
        (1234567890123456, "1234567890123456"),
        (12345678901234567890.0, "12345678901234600000"),
        (1234567890.12, "1234567890.12"),
        (-123456789012.34, "-123456789012.34"),
        (123456789.95, "123456789.95"),
        (1 / 3, "0.3333333333"),
        (1234.560000000021, "1234.56"),
        (1e300, "1e+300"),
    ],
)
def test_numbers_keep_the_digits_that_were_typed(tmp_path, value, seen):
    book = openpyxl.Workbook()
    book.active.append(["Number", value])
    book.save(str(tmp_path / "a.xlsx"))
    assert parts_of(extract(tmp_path / "a.xlsx"))[1:] == [("table", f"Number | {seen}")]


def test_comments_on_cells_follow_the_sheet(tmp_path):
    book = openpyxl.Workbook()
    book.active["A1"] = "Words"
    book.active["A1"].comment = Comment("Which ones?", "Ann")
    book.save(str(tmp_path / "a.xlsx"))
    assert parts_of(extract(tmp_path / "a.xlsx"))[1:] == [
        ("text", "Words"),
        ("text", "Comment on A1: Which ones?"),
    ]


DRAWING = """<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><xdr:twoCellAnchor><xdr:sp>
<xdr:nvSpPr><xdr:cNvPr id="2" name="TextBox 1"/></xdr:nvSpPr><xdr:txBody><a:p><a:r><a:t>A </a:t>
</a:r><a:r><a:t>box</a:t></a:r></a:p><a:p/></xdr:txBody></xdr:sp><xdr:pic><xdr:nvPicPr>
<xdr:cNvPr id="3" name="Picture 1" descr="A duck"/></xdr:nvPicPr></xdr:pic></xdr:twoCellAnchor>"""


def test_text_boxes_and_descriptions_of_pictures_are_read(tmp_path):
    book = openpyxl.Workbook()
    book.active.add_chart(BarChart(), "B2")  # makes the part that holds drawings
    book.save(str(tmp_path / "usual.xlsx"))
    with zipfile.ZipFile(tmp_path / "usual.xlsx") as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts["xl/drawings/drawing1.xml"] = f"{DRAWING}</xdr:wsDr>"
    extracted = extract(files.archive(tmp_path / "a.xlsx", parts))
    assert parts_of(extracted) == [("title", "Sheet"), ("text", "A box"), ("text", "A duck")]


def test_a_chart_among_its_cells_is_a_title_and_on_a_sheet_of_its_own_a_table(tmp_path):
    book = openpyxl.Workbook()
    for row in (("Region", "Tons"), ("North", 12), ("South", 7)):
        book.active.append(row)
    book.active.add_chart(BarChart(), "D2")
    book.create_chartsheet("Plot").add_chart(BarChart())
    book.save(str(tmp_path / "usual.xlsx"))
    with zipfile.ZipFile(tmp_path / "usual.xlsx") as old:
        parts = {name: old.read(name) for name in old.namelist()}
    charts = [name for name in parts if name.startswith("xl/charts/chart")]
    assert len(charts) == 2
    extracted = extract(
        files.archive(tmp_path / "a.xlsx", parts | dict.fromkeys(charts, files.CHART))
    )
    assert parts_of(extracted) == [
        ("title", "Sheet"),
        ("table", "Region | Tons\nNorth | 12\nSouth | 7"),
        ("text", "Sales"),
        ("title", "Plot"),
        ("text", "Sales"),
        ("table", "| Tons\nNorth | 12"),
    ]
    assert [element.page for element in extracted.elements] == [1, 1, 1, 2, 2, 2]


PLACED = [
    ("10", "superscript", "2", " m", "10² m"),
    ("10", "superscript", "1.5", " m", "10^1.5 m"),
    ("1010", "subscript", "2", " or ten", "1010₂ or ten"),
    ("CO", "subscript", "2", " a year", "CO2 a year"),
]


def test_numbers_that_are_raised_or_below_the_line_do_not_run_on(tmp_path):
    book = xlsxwriter.Workbook(str(tmp_path / "a.xlsx"))  # texts in a part of their own
    up, down = book.add_format({"font_script": 1}), book.add_format({"font_script": 2})
    sheet = book.add_worksheet()
    sheet.write_row("B2", ["Share", "12"])
    for at, (before, place, text, after, _) in enumerate(PLACED, 2):
        sheet.write_number(at, 1, 0.5, book.add_format({"num_format": "0%"}))
        sheet.write_rich_string(at, 2, before, up if place == "superscript" else down, text, after)
    book.close()
    (_, (_, table)) = parts_of(extract(tmp_path / "a.xlsx"))
    assert table.split("\n") == ["Share | 12", *(f"50% | {said}" for *_, said in PLACED)]


def test_they_do_not_in_cells_that_hold_their_text_themselves(tmp_path):
    book = openpyxl.Workbook()
    for before, place, text, after, _ in PLACED:
        block = TextBlock(InlineFont(vertAlign=place), text)
        book.active.append(["x", CellRichText(before, block, after)])
    book.save(str(tmp_path / "a.xlsx"))
    (_, (_, table)) = parts_of(extract(tmp_path / "a.xlsx"))
    assert table.split("\n") == [f"x | {said}" for *_, said in PLACED]


def test_formulas_that_nobody_worked_out_are_told(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["Sum", "=1+1", "=A1"])
    book.save(str(tmp_path / "a.xlsx"))
    extracted = extract(tmp_path / "a.xlsx")
    assert parts_of(extracted)[1:] == [("text", "Sum")]
    assert extracted.details["warnings"] == ["2 formulas have no result in the file"]


def test_hidden_rows_and_columns_are_read(tmp_path):
    book = openpyxl.Workbook()
    for row in (("a", "b", "c"), ("d", "e", "f"), ("g", "h", "i")):
        book.active.append(row)
    book.active.row_dimensions[2].hidden = book.active.column_dimensions["B"].hidden = True
    book.save(str(tmp_path / "a.xlsx"))
    assert parts_of(extract(tmp_path / "a.xlsx"))[1:] == [
        ("table", "a | b | c\nd | e | f\ng | h | i")
    ]


def test_sheets_of_macros_keep_nobody_from_the_others(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.create_sheet("Macro")
    book.save(tmp_path / "plain.xlsx")
    with zipfile.ZipFile(tmp_path / "plain.xlsx") as plain:
        parts = {name: plain.read(name).decode() for name in plain.namelist()}
    for name, text in list(parts.items()):
        parts[name] = text.replace("worksheets/sheet2.xml", "macrosheets/sheet1.xml")
    parts["xl/macrosheets/sheet1.xml"] = parts.pop("xl/worksheets/sheet2.xml")
    links = parts["xl/_rels/workbook.xml.rels"]
    assert "macrosheets/" in links
    extracted = extract(files.archive(tmp_path / "a.xlsm", parts))
    assert parts_of(extracted) == [("title", "Sheet"), ("table", "a | b")]


def test_what_the_library_gives_up_at_is_damage(tmp_path):
    """A sheet without a part: the library panics, which is no exception."""
    texts = (f"{len(text):c}\0\0\0".encode() + text.encode("utf-16-le") for text in ("rId9", "One"))
    sheet = bytes(8) + b"".join(texts)
    main = "application/vnd.ms-excel.sheet.binary.macroEnabled.main"
    path = files.archive(
        tmp_path / "a.xlsb",
        {
            "[Content_Types].xml": f'<Types><Override ContentType="{main}"/></Types>',
            "xl/_rels/workbook.bin.rels": "<Relationships/>",
            "xl/workbook.bin": b"\x9c\x01" + bytes([len(sheet)]) + sheet + b"\x90\x01\x00",
        },
    )
    with pytest.raises(CorruptFile):
        extract(path)


@pytest.mark.parametrize(
    ("records", "error"),
    [((0x0809, 0x2F, 0x42), PasswordProtected), ((0x0809, 0x42), CorruptFile)],
)
def test_a_password_of_an_old_kind_is_told_as_one(tmp_path, records, error):
    # A code page 0xFFFF, as what follows a password is no longer what it says.
    said = {0x0809: b"\0\x06\x05\0", 0x2F: bytes(4), 0x42: b"\xff\xff"}
    data = b"".join(
        kind.to_bytes(2, "little") + len(said[kind]).to_bytes(2, "little") + said[kind]
        for kind in records
    )
    path = files.ole(tmp_path / "a.xls", "Workbook", data)
    with pytest.raises(error):
        extract(path)
