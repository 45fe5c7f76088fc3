"""Numbers of Word's lists, and other text that is not simply written in a file."""

import docx
import pytest
from docx.oxml import parse_xml

from documents.tests.files import parts_of
from documents.tests.reading import extract

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


@pytest.fixture
def document():
    """A document with a list of the id 99, "1." and "1.1"."""
    made = docx.Document()
    define(made, "99", level(0, "decimal", "%1.") + level(1, "decimal", "%1.%2"))
    return made


def level(at, kind, text, more=""):
    return (
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/>{more}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


def define(document, name, levels, *, own="", defined=True):
    numbering = document.part.numbering_part.element
    numbering.insert(
        0, parse_xml(f'<w:abstractNum {W} w:abstractNumId="{name}">{levels}</w:abstractNum>')
    )
    if defined:
        xml = f'<w:num {W} w:numId="{name}"><w:abstractNumId w:val="{name}"/>{own}</w:num>'
        numbering.append(parse_xml(xml))


def numbered(paragraph, text, list_id="99", at=0):
    settings = f'<w:ilvl w:val="{at}"/><w:numId w:val="{list_id}"/>'
    paragraph._p.get_or_add_pPr().append(parse_xml(f"<w:numPr {W}>{settings}</w:numPr>"))
    paragraph.add_run(text)
    return paragraph


def texts(document, tmp_path):
    document.save(str(tmp_path / "a.docx"))
    return [text for _, text in parts_of(extract(tmp_path / "a.docx"))]


def test_numbers_in_cells_are_seen_and_counted(document, tmp_path):
    table = document.add_table(3, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "No.", "Requirement"
    for row, said in ((1, "Shall do."), (2, "Shall be.")):
        numbered(table.cell(row, 0).paragraphs[0], "")
        table.cell(row, 1).text = said
    numbered(table.cell(2, 1).add_paragraph(), "First")
    numbered(document.add_paragraph(), "After")
    assert texts(document, tmp_path) == [
        "No. | Requirement\n1. | Shall do.\n2. | Shall be. 3. First",
        "4. After",
    ]


@pytest.mark.parametrize(
    ("mark", "number"), [("", "2."), ("<w:del/>", "1."), ("<w:vanish/>", "1.")]
)
def test_an_empty_item_counts_where_it_is_seen(document, tmp_path, mark, number):
    empty = numbered(document.add_paragraph(), "")
    empty._p.pPr.append(parse_xml(f"<w:rPr {W}>{mark}</w:rPr>"))
    numbered(document.add_paragraph(), "Words")
    assert texts(document, tmp_path) == [f"{number} Words"]


def test_a_list_may_be_that_of_a_style(document, tmp_path):
    define(document, "97", '<w:numStyleLink w:val="Mine"/>')
    own = '<w:styleLink w:val="Mine"/>' + level(0, "decimal", "Art. %1")
    define(document, "98", own, defined=False)
    for text in ("Alpha", "Beta"):
        numbered(document.add_paragraph(), text, "97")
    assert texts(document, tmp_path) == ["Art. 1 Alpha", "Art. 2 Beta"]


def test_a_list_may_have_levels_of_its_own(document, tmp_path):
    override = level(0, "upperLetter", "(%1)")
    numbering = document.part.numbering_part.element
    numbering.append(
        parse_xml(
            f'<w:num {W} w:numId="97"><w:abstractNumId w:val="99"/>'
            f'<w:lvlOverride w:ilvl="0">{override}</w:lvlOverride></w:num>'
        )
    )
    for text, list_id, at in (("a", "97", 0), ("b", "97", 1), ("c", "99", 0)):
        numbered(document.add_paragraph(), text, list_id, at)
    assert texts(document, tmp_path) == ["(A) a", "A.1 b", "2. c"]


def test_numbers_of_a_legal_level_are_decimal(document, tmp_path):
    levels = level(0, "upperRoman", "Article %1") + level(1, "decimal", "%1.%2", "<w:isLgl/>")
    define(document, "97", levels)
    for text, at in (("One", 0), ("In it", 1)):
        numbered(document.add_paragraph(), text, "97", at)
    assert texts(document, tmp_path) == ["Article I One", "1.1 In it"]


@pytest.mark.parametrize(
    ("raised", "said"), [("6", "10⁶ m"), ("-3", "10⁻³ m"), ("th", "10th m"), ("", "10 m")]
)
def test_raised_signs_do_not_run_on(tmp_path, raised, said):
    document = docx.Document()
    paragraph = document.add_paragraph("10")
    paragraph.add_run(raised).font.superscript = True
    paragraph.add_run(" m")
    paragraph.add_run("2").font.subscript = True
    assert texts(document, tmp_path) == [f"{said}2"]


def test_how_to_read_characters_follows_them_in_brackets(tmp_path):
    document = docx.Document()
    run = "<w:r><w:t>{}</w:t></w:r>".format
    ruby = f"<w:rt>{run('とうきょう')}</w:rt><w:rubyBase>{run('東京')}</w:rubyBase>"
    paragraph = document.add_paragraph()
    paragraph._p.append(parse_xml(f"<w:r {W}><w:ruby><w:rubyPr/>{ruby}</w:ruby></w:r>"))
    paragraph.add_run("は日本の首都です。")
    assert texts(document, tmp_path) == ["東京(とうきょう)は日本の首都です。"]


def test_numbers_that_are_raised_or_below_the_line_do_not_run_on(tmp_path):
    document = docx.Document()
    paragraph = document.add_paragraph("10")
    paragraph.add_run("1.5").font.superscript = True
    paragraph.add_run(", 1010")
    paragraph.add_run("2").font.subscript = True
    paragraph.add_run(", log")
    paragraph.add_run("2").font.subscript = True
    paragraph.add_run("8, CO")
    paragraph.add_run("2").font.subscript = True
    assert texts(document, tmp_path) == ["10^1.5, 1010₂, log₂8, CO2"]


def test_what_is_raised_or_lowered_by_hand_does_not_run_on(tmp_path):
    document = docx.Document()
    paragraph = document.add_paragraph()
    runs = [("10", 0), ("6", 8), (" m", 0), ("2", 8), (", log", 0), ("2", -6), ("8, ", 0),
            ("9", 2), (", 9", 0), ("all ", 8), ("5", 8)]  # fmt: skip
    for text, half_points in runs:
        run = paragraph.add_run(text)
        if half_points:
            place = parse_xml(f'<w:position {W} w:val="{half_points}"/>')
            run._r.get_or_add_rPr().append(place)
    assert texts(document, tmp_path) == ["10⁶ m², log₂8, 9, 9all 5"]


def deleted(paragraph, mark="del"):
    """The same paragraph, the mark at its end deleted as a change that is kept."""
    paragraph._p.get_or_add_pPr().append(parse_xml(f"<w:rPr {W}><w:{mark}/></w:rPr>"))


@pytest.mark.parametrize("mark", ["del", "moveFrom"])
def test_a_paragraph_whose_end_is_deleted_goes_on_in_the_next(document, tmp_path, mark):
    deleted(document.add_heading("It costs 1", 1), mark)
    deleted(document.add_paragraph(), mark)
    numbered(document.add_paragraph(), "000 in all.")
    numbered(document.add_paragraph(), "More.")
    cell = document.add_table(1, 2).cell(0, 0)
    deleted(cell.paragraphs[0], mark)
    cell.paragraphs[0].add_run("5")
    cell.add_paragraph("00")
    deleted(document.add_paragraph("Before a table."), mark)
    document.add_table(1, 2).cell(0, 0).text = "x"
    document.save(str(tmp_path / "a.docx"))
    assert parts_of(extract(tmp_path / "a.docx")) == [
        ("list_item", "1. It costs 1000 in all."),
        ("list_item", "2. More."),
        ("table", "500"),
        ("text", "Before a table."),
        ("table", "x"),
    ]


def test_only_the_result_of_a_field_is_read(tmp_path):
    document = docx.Document()
    inner = "<fldChar begin><instrText>PAGE</instrText><fldChar separate><t>7</t><fldChar end>"
    for made in (
        "<t>see </t><fldChar begin><t>REF x</t><fldChar separate><t>3.2</t><fldChar end>",
        f"<fldChar begin><t>IF </t>{inner}<t> = 1</t><fldChar separate><t>yes</t><fldChar end>",
        "<t>a</t><fldChar begin><instrText>XE b</instrText><fldChar end><t>c</t>",
        "<t>left</t><fldChar end><t> over</t><fldChar begin><t>, not ended</t>",
    ):
        xml = made.replace("</", "</w:").replace("<", "<w:").replace("<w:/w:", "</w:")
        for kind in ("begin", "separate", "end"):
            xml = xml.replace(f"fldChar {kind}>", f'fldChar w:fldCharType="{kind}"/>')
        document.add_paragraph()._p.append(parse_xml(f"<w:r {W}>{xml}</w:r>"))
    found = ["see 3.2", "yes", "ac", "left over, not ended"]
    assert texts(document, tmp_path) == found


def test_formulas_and_alternatives_beside_the_paragraphs_are_read(tmp_path):
    document = docx.Document()
    math = "http://schemas.openxmlformats.org/officeDocument/2006/math"
    line = f'<m:oMath xmlns:m="{math}"><m:r><m:t>a=b</m:t></m:r></m:oMath>'
    choice = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    said = "<mc:{0}><w:p><w:r><w:t>Words.</w:t></w:r></w:p></mc:{0}>".format
    both = f"{said('Choice')}{said('Fallback')}"
    xml = f'<mc:AlternateContent xmlns:mc="{choice}" {W}>{both}</mc:AlternateContent>'
    document.element.body.insert(0, parse_xml(xml))
    document.element.body.insert(0, parse_xml(line))
    assert texts(document, tmp_path) == ["a=b", "Words."]
