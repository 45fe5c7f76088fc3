import datetime

import pptx
import pytest
from PIL import Image
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls
from pptx.util import Inches

from documents.extraction.office.cell_values import formatted
from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract


def test_presentation(tmp_path):
    reported = []
    extracted = extract(
        files.slides(tmp_path / "a.pptx"), report=lambda *progress: reported.append(progress)
    )
    assert parts_of(extracted) == [
        ("title", "Plan"),
        ("list_item", "First step"),
        ("text", "Speak slowly."),
        ("title", "End"),
    ]
    assert [element.page for element in extracted.elements] == [1, 1, 1, 2]
    assert reported[-1] == (2, 2)


def test_groups_tables_charts_and_hidden_slides(tmp_path):
    deck = pptx.Presentation()
    inch = Inches(1)
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    grouped = slide.shapes.add_group_shape().shapes.add_textbox(0, 0, inch, inch)
    grouped.text_frame.text = "In a group"
    table = slide.shapes.add_table(2, 2, 0, 0, inch, inch).table
    for at, text in enumerate(("wide", "", "left", "right")):
        table.cell(at // 2, at % 2).text = text
    table.cell(0, 0).merge(table.cell(0, 1))
    data = CategoryChartData()
    data.categories = ["East", "West"]
    data.add_series("Sales", (1.5, 2.5))
    kind = XL_CHART_TYPE.COLUMN_CLUSTERED
    chart = slide.shapes.add_chart(kind, 0, 0, inch, inch, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Regions"
    hidden = deck.slides.add_slide(deck.slide_layouts[5])
    hidden.shapes.title.text = "Not shown"
    hidden._element.set("show", "0")
    slide.shapes.title.text = "The title comes first"
    deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = "Third"
    deck.save(str(tmp_path / "a.pptx"))
    extracted = extract(tmp_path / "a.pptx")
    assert parts_of(extracted) == [
        ("title", "The title comes first"),
        ("text", "In a group"),
        ("table", "wide\nleft | right"),
        ("text", "Regions"),
        ("table", "| Sales\nEast | 1.5\nWest | 2.5"),
        ("title", "Third"),
    ]
    assert extracted.elements[-1].page == extracted.pages == 3
    assert extracted.details["warnings"] == ["1 hidden slides were left out"]


def charted(tmp_path, kind, data):
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    slide.shapes.add_chart(kind, 0, 0, Inches(1), Inches(1), data)
    deck.save(str(tmp_path / "a.pptx"))
    return [text for _, text in parts_of(extract(tmp_path / "a.pptx"))]


def test_every_series_of_scattered_points_has_its_own_places(tmp_path):
    data = XyChartData()
    for name, points in {"A": [(1, 2), (3, 4), (3, 5)], "B": [(3, 20), (30.5, 40)]}.items():
        series = data.add_series(name)
        for point in points:
            series.add_data_point(*point)
    table = "| A | B\n1 | 2\n3 | 4 | 20\n3 | 5\n30.5 | | 40"
    assert charted(tmp_path, XL_CHART_TYPE.XY_SCATTER, data) == [table]


def test_numbers_of_a_chart_are_dates_and_percentages_where_it_shows_them_so(tmp_path):
    data = CategoryChartData()
    data.categories = [datetime.date(2024, 1, 1), datetime.date(2024, 2, 1)]
    data.add_series("Share", (0.15, 0.205), "0.0%")
    data.add_series("Sum", (0.1 + 0.2, 1234567), '#,##0.00 "dm"')
    table = "| Share | Sum\n2024-01-01 | 15.0% | 0.3\n2024-02-01 | 20.5% | 1234567"
    assert charted(tmp_path, XL_CHART_TYPE.LINE, data) == [table]


@pytest.mark.parametrize(
    ("number", "code", "seen"),
    [
        ("0.5", "hh:mm", "12:00"),
        ("1.5", "[h]:mm", "36:00"),
        ("45292.25", "d/m/yy h:mm", "2024-01-01 06:00"),
        ("1e300", "yyyy", "1e+300"),
        ("-1", "yyyy", "-1"),
        ("45292.0", "General", "45292"),
        ("45292", "[Red]0.00", "45292"),
        ("East", "yyyy", "East"),
        ("nan", "0%", "nan"),
        ("1.50", "", "1.50"),
    ],
)
def test_formats_of_the_numbers_that_charts_keep(number, code, seen):
    assert formatted(number, code) == seen


def test_a_footer_is_read_once(tmp_path):
    deck = pptx.Presentation()
    for title in ("One", "Two"):
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = title
        box = slide.shapes.add_textbox(0, 0, Inches(1), Inches(1))
        box.text_frame.text = "Confidential"
        box._element.nvSpPr.nvPr.get_or_add_ph().set("type", "ftr")
    deck.save(str(tmp_path / "a.pptx"))
    assert [text for _, text in parts_of(extract(tmp_path / "a.pptx"))] == [
        "One", "Confidential", "Two",
    ]  # fmt: skip


def test_what_is_said_of_a_picture_stands_for_it(tmp_path):
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    Image.new("RGB", (8, 8)).save(str(tmp_path / "a.png"))
    picture = slide.shapes.add_picture(str(tmp_path / "a.png"), 0, 0)
    picture._element.nvPicPr.cNvPr.set("descr", "A duck on a lake")
    deck.save(str(tmp_path / "a.pptx"))
    assert parts_of(extract(tmp_path / "a.pptx")) == [("text", "A duck on a lake")]


def add_lines(tmp_path, *lines):
    """A slide of paragraphs: what each says of its numbers, its level, its runs."""
    deck = pptx.Presentation()
    frame = deck.slides.add_slide(deck.slide_layouts[1]).placeholders[1].text_frame
    for at, (numbers, level, *runs) in enumerate(lines):
        line = frame.add_paragraph() if at else frame.paragraphs[0]
        line.level = level
        if numbers:
            line._p.get_or_add_pPr().append(parse_xml(f"<a:buAutoNum {nsdecls('a')} {numbers}/>"))
        for text, offset in runs:
            line.add_run().text = text
            line.runs[-1].font._element.set("baseline", offset)
    deck.save(str(tmp_path / "a.pptx"))
    return [text for _, text in parts_of(extract(tmp_path / "a.pptx"))]


def test_list_items_have_the_numbers_that_are_seen(tmp_path):
    plain, letters = 'type="arabicPeriod"', 'type="alphaLcParenBoth"'
    lines = [
        (plain, 0, "a"), (plain, 0, "b"), (letters, 1, "c"), (letters, 1, "d"), (plain, 0, "e"),
        (letters, 1, "f"), ("", 0, "g"), (plain, 0, "h"),
        ('type="romanUcPlain" startAt="4"', 0, "i"), ('type="circleNumDbPlain"', 8, "j"),
    ]  # fmt: skip
    said = add_lines(tmp_path, *((kind, level, (text, "0")) for kind, level, text in lines))
    assert said == [
        "1. a", "2. b", "(a) c", "(b) d", "3. e", "(a) f", "g", "1. h", "IV i", "1 j",
    ]  # fmt: skip


def levels(*bullets):
    """A list of styles: what each level, from the outermost, says of its bullets."""
    own = "".join(f"<a:lvl{at}pPr>{each}</a:lvl{at}pPr>" for at, each in enumerate(bullets, 1))
    return parse_xml(f"<a:lstStyle {nsdecls('a')}>{own}</a:lstStyle>")


def restyle(shape, *bullets):
    old = shape._element.txBody.find("{*}lstStyle")
    old.getparent().replace(old, levels(*bullets))


def test_bullets_and_numbers_that_layout_and_master_give(tmp_path):
    kinds = "arabicPeriod", "alphaLcPeriod"
    numbers, letters = (f'<a:buAutoNum type="{kind}"/>' for kind in kinds)
    deck = pptx.Presentation()
    layouts = deck.slide_layouts
    body = deck.slide_master.element.find(".//{*}bodyStyle/{*}lvl2pPr")
    body.replace(body.find("{*}buChar"), parse_xml(letters.replace("/>", f" {nsdecls('a')}/>")))
    restyle(layouts[1].placeholders[1], numbers)
    restyle(layouts[3].placeholders[1], "<a:buNone/>")
    for layout in (layouts[1], layouts[3], layouts[1]):
        lines = deck.slides.add_slide(layout).placeholders[1].text_frame
        lines.text = "one\ntwo\nthree"
        lines.paragraphs[1].level = 1
    own = deck.slides[2].shapes
    restyle(own.placeholders[1], "<a:buChar char='-'/>")
    own.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "beside"
    deck.save(str(tmp_path / "a.pptx"))
    assert parts_of(extract(tmp_path / "a.pptx")) == [
        ("list_item", "1. one"), ("list_item", "a. two"), ("list_item", "2. three"),
        ("text", "one"), ("list_item", "a. two"), ("text", "three"),
        ("list_item", "one"), ("list_item", "a. two"), ("list_item", "three"), ("text", "beside"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("offset", "said"), [("30000", "10⁶ m"), ("-25000", "10₆ m"), ("0", "106 m"), ("30%", "10⁶ m")]
)
def test_raised_signs_do_not_run_on(tmp_path, offset, said):
    assert add_lines(tmp_path, ("", 0, ("10", "0"), ("6", offset), (" m", "0"))) == [said]


def test_numbers_that_are_raised_or_below_the_line_do_not_run_on(tmp_path):
    runs = ("10", "0"), ("1.5", "30000"), (", log", "0"), ("2", "-25000"), ("8, CO", "0")
    found = add_lines(tmp_path, ("", 0, *runs, ("2", "-25000")))
    assert found == ["10^1.5, log₂8, CO2"]


def boxes(tmp_path, *placed):
    """The texts of a slide on which these boxes (left, top, width, height, text) were drawn."""
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    for *place, text in placed:
        slide.shapes.add_textbox(*map(Inches, place)).text_frame.text = text
    deck.save(str(tmp_path / "a.pptx"))
    return extract(tmp_path / "a.pptx").text.split("\n\n")


def test_boxes_are_read_from_the_top_and_from_the_left(tmp_path):
    assert boxes(
        tmp_path,
        (6, 3, 2, 2, "third"),
        (3, 3, 2, 2, "second"),
        (0, 3, 2, 2, "first"),
        (0, 6, 8, 1, "note"),
        (0, 0, 8, 1, "Heading"),
    ) == ["Heading", "first", "second", "third", "note"]


def test_boxes_that_are_drawn_column_by_column_stay_so(tmp_path):
    drawn = [(0, 0, 3, 1, "A"), (0, 1, 3, 4, "a"), (4, 0, 3, 1, "B"), (4, 1, 3, 4, "b")]
    assert boxes(tmp_path, *drawn) == ["A", "a", "B", "b"]
    assert boxes(tmp_path, *drawn[::2], *drawn[1::2]) == ["A", "B", "a", "b"]


def test_boxes_of_hebrew_are_read_from_the_right(tmp_path):
    drawn = (0, 3, 3, 2, "שני"), (5, 3, 3, 2, "ראשון"), (0, 0, 8, 1, "כותרת")
    assert boxes(tmp_path, *drawn) == ["כותרת", "ראשון", "שני"]


def test_the_boxes_of_a_group_stay_together(tmp_path):
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    group = slide.shapes.add_group_shape().shapes
    for left, text in ((5, "two"), (4, "one")):
        group.add_textbox(Inches(left), Inches(2), Inches(1), Inches(1)).text_frame.text = text
    for top, text in ((4, "below"), (0, "above")):
        slide.shapes.add_textbox(0, Inches(top), Inches(9), Inches(1)).text_frame.text = text
    deck.save(str(tmp_path / "a.pptx"))
    extracted = extract(tmp_path / "a.pptx")
    assert extracted.text.split("\n\n") == ["above", "one", "two", "below"]


def test_placeholders_lie_where_their_layout_puts_them(tmp_path):
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.placeholders[1].text_frame.text = "Item"
    box = slide.shapes.add_textbox(0, 0, Inches(9), Inches(1))
    box.text_frame.text = "Above it"
    deck.save(str(tmp_path / "a.pptx"))
    assert parts_of(extract(tmp_path / "a.pptx")) == [("text", "Above it"), ("list_item", "Item")]
