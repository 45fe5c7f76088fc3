import pytest

from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract
from documents.tests.test_opendocument import NAMES

FORMULA = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'


def workbook(tmp_path, *sheets, styles="", **more):
    body = f"<office:automatic-styles>{styles}</office:automatic-styles><office:body>"
    body += f"<office:spreadsheet>{''.join(sheets)}</office:spreadsheet></office:body>"
    whole = "<office:document-content {} {}>{}</office:document-content>"
    parts = {
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "content.xml": whole.format(NAMES, FORMULA, body),
    }
    return extract(files.archive(tmp_path / "a.ods", parts | more))


def sheet(*rows, name="Sheet1", more=""):
    return f'<table:table table:name="{name}" {more}>{"".join(rows)}</table:table>'


def row(*cells, times=1):
    return (
        f'<table:table-row table:number-rows-repeated="{times}">{"".join(cells)}</table:table-row>'
    )


def cell(text="", kind="string", more="", **value):
    values = " ".join(f'office:{name.replace("_", "-")}="{said}"' for name, said in value.items())
    shown = f"<text:p>{text}</text:p>" if text else ""
    return (
        f'<table:table-cell office:value-type="{kind}" {values} {more}>{shown}</table:table-cell>'
    )


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        (cell("25.6%", "percentage", value="0.256"), "25.6%"),
        (cell("26 %", "percentage", value="0.256"), "26%"),
        (cell("-1.234,50 €", "currency", value="-1234.5"), "-1234.5 €"),
        (cell("$1,234.50", "currency", value="1234.5"), "$1234.5"),
        (cell("($1,234.50)", "currency", value="-1234.5"), "-$1234.5"),
        (cell("3,5 kg", "float", value="3.5"), "3.5 kg"),
        (cell("0042", "float", value="42"), "0042"),
        (cell("5 k€", "float", value="5000"), "5000"),  # in thousands
        (cell("1.2E+03", "float", value="1234"), "1234"),
        (cell("1,234.57", "float", value="1234.5678"), "1234.5678"),
        (cell("", "float", value="7"), "7"),
        (cell("01.03.24", "date", date_value="2024-03-01"), "2024-03-01"),
        (cell("1. March", "date", date_value="2024-03-01T14:30:04.999999"), "2024-03-01 14:30:05"),
        (cell("9:05", "time", time_value="PT09H05M00S"), "09:05"),
        (cell("30:05", "time", time_value="PT30H05M00.5S"), "30:05"),
        (cell("soon", "date", date_value="99999-01-01"), "soon"),
        (cell("WAHR", "boolean", boolean_value="true"), "TRUE"),
        (cell("#N/A", more='calcext:value-type="error"', string_value=""), ""),
    ],
)
def test_cells_are_read_as_they_are_seen(tmp_path, written, seen):
    extracted = workbook(tmp_path, sheet(row(cell("Value"), written, cell("end"))))
    assert extracted.text.splitlines()[-1] == " | ".join(filter(None, ("Value", seen, "end")))


def test_blanks_between_cells_and_places_far_away_do_no_harm(tmp_path):
    """As programs write them that indent XML, and those that write out an empty sheet."""
    gap = '\n <table:table-cell table:number-columns-repeated="16383"/>\n '
    empty = row(gap, times=1_048_000)
    extracted = workbook(tmp_path, sheet("\n", row("\n ", cell("a"), gap, cell("b")), empty, empty))
    assert parts_of(extracted) == [("title", "Sheet1"), ("table", "a | b")]


def test_repeated_cells_and_rows_are_as_many_as_they_are(tmp_path):
    twice = cell("2", "float", 'table:number-columns-repeated="2"', value="2")
    extracted = workbook(tmp_path, sheet(row(cell("Two"), twice, cell("end"), times=3)))
    assert extracted.text.splitlines()[2:] == ["Two | 2 | 2 | end"] * 3


def test_hidden_sheets_are_counted(tmp_path):
    hides = '<style:table-properties table:display="false"/>'
    extracted = workbook(
        tmp_path,
        sheet(row(cell("seen"))),
        sheet(row(cell("hidden")), name="Two", more='table:style-name="h"'),
        styles=f'<style:style style:name="h" style:family="table">{hides}</style:style>',
    )
    assert parts_of(extracted) == [("title", "Sheet1"), ("text", "seen")]
    assert extracted.details["warnings"] == ["1 hidden sheets were left out"]
    assert extracted.pages == extracted.details["sheets"] == 1


def test_comments_boxes_and_titles_of_charts_follow_the_cells(tmp_path):
    note = (
        "<office:annotation><dc:creator>Ann</dc:creator><text:p>Why?</text:p></office:annotation>"
    )
    box = "<draw:frame><draw:text-box><text:p>Draft</text:p></draw:text-box></draw:frame>"
    chart = '<draw:frame><draw:object xlink:href="./Object 1"/></draw:frame>'
    drawn = "<office:document-content {}><office:body><office:chart><chart:chart><chart:title>"
    drawn += "<text:p>Growth</text:p></chart:title><table:table>{}</table:table></chart:chart>"
    drawn += "</office:chart></office:body></office:document-content>"
    noted = f'<table:table-cell office:value-type="string">{note}<text:p>b</text:p>'
    extracted = workbook(
        tmp_path,
        sheet(
            f"<table:shapes>{chart}</table:shapes>",
            row(times=3),
            row(
                cell("a"),
                f"{noted}</table:table-cell>",
                f"<table:table-cell>{box}</table:table-cell>",
            ),
        ),
        **{"Object 1/content.xml": drawn.format(NAMES, row(cell("x"), cell("y")))},
    )
    assert parts_of(extracted) == [
        ("title", "Sheet1"),
        ("table", "a | b"),
        ("text", "Comment on B4: Why?"),
        ("text", "Draft"),
        ("text", "Growth"),
    ]
