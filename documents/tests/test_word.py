import zipfile

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml

from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
A = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
M = 'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
R = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'


def written(tmp_path, document):
    document.save(str(tmp_path / "a.docx"))
    return extract(tmp_path / "a.docx")


def add(paragraph, xml):
    name, _, rest = xml.partition(">")
    paragraph._p.append(parse_xml(f"{name} {W} {A} {M}>{rest}"))


def test_word(tmp_path):
    extracted = extract(files.word(tmp_path / "a.docx"))
    assert parts_of(extracted) == files.WORD
    assert [element.level for element in extracted.elements if element.kind == "title"] == [1, 2]
    assert extracted.elements[-1].header == "Year | Sales"


def test_numbers_of_lists_are_those_that_are_seen(tmp_path):
    document = docx.Document()
    for style, text in [
        ("List Number", "first"),
        ("List Number", "second"),
        ("List Bullet", "dot"),
    ]:
        document.add_paragraph(text, style=style)
    numbering = document.part.numbering_part.element
    levels = [("decimal", "%1."), ("lowerLetter", "%1.%2)"), ("upperRoman", "(%3)")]
    xml = "".join(
        f'<w:lvl w:ilvl="{at}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
        for at, (kind, text) in enumerate(levels)
    )
    own = parse_xml(f'<w:abstractNum {W} w:abstractNumId="99">{xml}</w:abstractNum>')
    numbering.insert(0, own)
    for list_id, restart in (("98", ""), ("99", '<w:startOverride w:val="7"/>')):
        override = f'<w:lvlOverride w:ilvl="0">{restart}</w:lvlOverride>'
        xml = f'<w:num {W} w:numId="{list_id}"><w:abstractNumId w:val="99"/>{override}</w:num>'
        numbering.append(parse_xml(xml))
    for list_id, level, text in [
        ("98", 0, "a"), ("98", 1, "b"), ("98", 1, "c"), ("98", 2, "d"), ("98", 0, "e"),
        ("98", 1, "f"), ("99", 0, "g"), ("0", 0, "h"),
    ]:  # fmt: skip
        settings = document.add_paragraph(text)._p.get_or_add_pPr()
        xml = f'<w:ilvl w:val="{level}"/><w:numId w:val="{list_id}"/>'
        settings.append(parse_xml(f"<w:numPr {W}>{xml}</w:numPr>"))
    assert parts_of(written(tmp_path, document)) == [
        ("list_item", "1. first"),
        ("list_item", "2. second"),
        ("list_item", "dot"),
        ("list_item", "1. a"),
        ("list_item", "1.a) b"),
        ("list_item", "1.b) c"),
        ("list_item", "(I) d"),
        ("list_item", "2. e"),
        ("list_item", "2.a) f"),
        ("list_item", "7. g"),
        ("text", "h"),
    ]


def test_what_is_deleted_or_hidden_is_left_out(tmp_path):
    document = docx.Document()
    paragraph = document.add_paragraph("Kept ")
    add(paragraph, "<w:del><w:r><w:delText>deleted</w:delText></w:r></w:del>")
    add(paragraph, "<w:moveFrom><w:r><w:t>moved away</w:t></w:r></w:moveFrom>")
    add(paragraph, "<w:ins><w:r><w:t>inserted.</w:t></w:r></w:ins>")
    paragraph.add_run(" hidden").font.hidden = True
    paragraph.add_run(" Shown.").font.hidden = False
    table = document.add_table(3, 2)
    for row, texts in zip(table.rows, [("a", "b"), ("old", "row"), ("c", "d")], strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.rows[1]._tr.get_or_add_trPr().append(parse_xml(f"<w:del {W}/>"))
    assert parts_of(written(tmp_path, document)) == [
        ("text", "Kept inserted. Shown."),
        ("table", "a | b\nc | d"),
    ]


def test_comments_notes_and_text_boxes_follow_their_paragraph(tmp_path):
    document = docx.Document()
    paragraph = document.add_paragraph("Commented.")
    document.add_comment(paragraph.runs, text="Is this so?", author="Ann")
    box = "<w:txbxContent><w:p><w:r><w:t>In a box.</w:t></w:r></w:p></w:txbxContent>"
    fallback = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    add(
        document.add_paragraph("Beside a box."),
        f'<w:r><mc:AlternateContent xmlns:mc="{fallback}"><mc:Choice Requires="wps">{box}'
        f"</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r>",
    )
    cell = document.add_table(1, 2).rows[0].cells[0]
    cell.text = "In a cell."
    document.add_comment(cell.paragraphs[0].runs, text="Here too.", author="Bob")
    extracted = written(tmp_path, document)
    assert parts_of(extracted) == [
        ("text", "Commented."),
        ("text", "Comment by Ann: Is this so?"),
        ("text", "Beside a box."),
        ("text", "In a box."),
        ("table", "In a cell."),
        ("text", "Comment by Bob: Here too."),
    ]
    assert extracted.details["comments"] == 2


def test_footnotes_follow_their_paragraph(tmp_path):
    source = docx.Document()
    add(source.add_paragraph("Said"), '<w:r><w:footnoteReference w:id="2"/></w:r>')
    source.add_paragraph("More.")
    source.save(str(tmp_path / "source.docx"))
    notes = (
        f'<w:footnotes {W}><w:footnote w:id="0" w:type="separator"><w:p/></w:footnote>'
        '<w:footnote w:id="2"><w:p><w:r><w:t>By whom?</w:t></w:r></w:p></w:footnote></w:footnotes>'
    )
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    link = f'<Relationship Id="rId99" Type="{kind}" Target="footnotes.xml"/></Relationships>'
    with zipfile.ZipFile(tmp_path / "source.docx") as old:
        parts = {name: old.read(name) for name in old.namelist()}
    name = "word/_rels/document.xml.rels"
    parts[name] = parts[name].replace(b"</Relationships>", link.encode())
    extracted = extract(files.archive(tmp_path / "a.docx", {**parts, "word/footnotes.xml": notes}))
    assert parts_of(extracted) == [("text", "Said"), ("text", "By whom?"), ("text", "More.")]
    assert extracted.details["footnotes"] == 1


def test_merged_and_nested_cells_are_read_once(tmp_path):
    document = docx.Document()
    table = document.add_table(3, 3)
    for row, texts in zip(table.rows, ["abc", "def", "ghi"], strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
    table.cell(1, 2).merge(table.cell(2, 2)).text = "tall"
    table.cell(2, 0).add_table(1, 1).cell(0, 0).text = "inner"
    assert parts_of(written(tmp_path, document)) == [
        ("table", "wide | | c\nd | e | tall\ng inner | h")
    ]


def test_raised_text_is_told_by_its_style_as_well(tmp_path):
    document = docx.Document()
    for name, base, raised in [
        ("Power", None, True), ("Based", "Power", None), ("Back", "Power", None),
    ]:  # fmt: skip
        style = document.styles.add_style(name, WD_STYLE_TYPE.CHARACTER)
        style.base_style = document.styles[base] if base else None
        style.font.superscript = raised
    document.styles["Back"].font._element.rPr.append(
        parse_xml(f'<w:vertAlign {W} w:val="baseline"/>')
    )
    paragraph = document.add_paragraph()
    for text, style in [("10", None), ("6", "Power"), (" m", None), ("2", "Based"),
                        (" 5", None), ("4", "Back"), (" 7", None)]:  # fmt: skip
        paragraph.add_run(text, style=style)
    add(paragraph, '<w:r><w:rPr><w:rStyle w:val="Power"/><w:vertAlign w:val="baseline"/></w:rPr>'
        "<w:t>9</w:t></w:r>")  # fmt: skip
    document.sections[0].header.paragraphs[0].add_run("m")
    document.sections[0].header.paragraphs[0].add_run("3", style="Power")
    found = [text for _, text in parts_of(written(tmp_path, document))]
    assert found == ["m³", "10⁶ m² 54 79"]


def test_a_large_initial_is_a_letter_of_the_paragraph_it_begins(tmp_path):
    document = docx.Document()
    for text, settings in [
        ("O", 'w:dropCap="drop"'), ("nce upon a time.", ""), ("A", 'w:dropCap="none"'),
        ("frame.", ""), ("Z", 'w:dropCap="margin"'),
    ]:  # fmt: skip
        added = document.add_paragraph(text)._p.get_or_add_pPr()
        if settings:
            added.append(parse_xml(f"<w:framePr {W} {settings}/>"))
    found = [text for _, text in parts_of(written(tmp_path, document))]
    assert found == ["Once upon a time.", "A", "frame.", "Z"]


def test_contents_formulas_and_pictures(tmp_path):
    document = docx.Document()
    document.styles.add_style("TOC 1", 1)
    document.add_paragraph("Chapter\t3", style="TOC 1")
    x = "<m:r><m:t>x</m:t></m:r>"
    two = "<m:sup><m:r><m:t>2</m:t></m:r></m:sup>"
    add(document.add_paragraph("y = "), f"<m:oMath><m:sSup><m:e>{x}</m:e>{two}</m:sSup></m:oMath>")
    add(document.add_paragraph("See"), "<w:r><w:drawing><a:blip/></w:drawing></w:r>")
    extracted = written(tmp_path, document)
    assert parts_of(extracted) == [("text", "y = x^2"), ("text", "See")]
    assert extracted.details["warnings"] == ["1 pictures were not read"]


def test_a_strict_file_is_read_like_any_other(tmp_path):
    document = docx.Document(str(files.word(tmp_path / "usual.docx")))
    add_chart(document)
    document.save(str(tmp_path / "usual.docx"))
    with zipfile.ZipFile(tmp_path / "usual.docx") as old:
        parts = {name: old.read(name) for name in old.namelist()}
    for kind in (b"wordprocessingml", b"officeDocument", b"drawingml"):
        usual = b"http://schemas.openxmlformats.org/" + kind + b"/2006/"
        strict = b"http://purl.oclc.org/ooxml/" + kind + b"/"
        parts = {name: content.replace(usual, strict) for name, content in parts.items()}
    found = parts_of(extract(files.archive(tmp_path / "a.docx", parts)))
    assert ("title", "Annual report") in found
    assert ("table", "| Tons\nNorth | 12") in found


def test_what_is_said_of_a_picture_stands_for_it(tmp_path):
    wp = 'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'
    document = docx.Document()
    for said in (
        "A duck on a lake\n\nDescription automatically generated with low confidence",
        "C:\\pictures\\duck 1.png",
        "duck.png",
        "Picture 3",
    ):
        drawing = f'<wp:inline {wp}><wp:docPr id="1" name="P" descr="{said}"/><a:blip/></wp:inline>'
        add(document.add_paragraph("See"), f"<w:r><w:drawing>{drawing}</w:drawing></w:r>")
    extracted = written(tmp_path, document)
    assert [text for _, text in parts_of(extracted)] == ["See", "A duck on a lake", *["See"] * 3]
    assert extracted.details["pictures"] == 4


MHT = b"""From: <Saved by a browser>
Subject: A page
MIME-Version: 1.0
Content-Type: multipart/related; boundary="b"; type="text/html"

--b
Content-Type: text/html; charset="utf-8"
Content-Transfer-Encoding: quoted-printable

<html><body><h1>Kept</h1><p>Gr=C3=BC=C3=9Fe.</p></body></html>
--b--
"""


def related(document, kind, name, content):
    """Add a part to the document; the id it is referred to by."""
    part = Part(PackURI(f"/word/{name}"), "application/octet-stream", content)
    usual = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return document.part.relate_to(part, f"{usual}/{kind}")


def add_chart(document):
    link = related(document, "chart", "chart1.xml", files.CHART.encode())
    names = f'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" {R}'
    chart = f'<c:chart {names} r:id="{link}"/>'
    add(document.add_paragraph("See"), f"<w:r><w:drawing>{chart}</w:drawing></w:r>")


def test_a_chart_is_its_title_and_numbers(tmp_path):
    document = docx.Document()
    add_chart(document)
    assert parts_of(written(tmp_path, document)) == [
        ("text", "See"),
        ("text", "Sales"),
        ("table", "| Tons\nNorth | 12"),
    ]


def test_a_diagram_is_the_texts_in_it(tmp_path):
    names = f'xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/diagram" {A}'
    shape = "<d:pt><d:t><a:p><a:r><a:t>{}</a:t></a:r></a:p></d:t></d:pt>"
    shapes = "".join(map(shape.format, ["Plan", "", "Build it"]))
    document = docx.Document()
    content = f"<d:dataModel {names}><d:ptLst>{shapes}</d:ptLst></d:dataModel>"
    link = related(document, "diagramData", "data1.xml", content.encode())
    drawing = f'<w:drawing><d:relIds {names} {R} r:dm="{link}"/></w:drawing>'
    add(document.add_paragraph("See"), f"<w:r>{drawing}</w:r>")
    found = parts_of(written(tmp_path, document))
    assert found == [("text", "See"), ("list_item", "Plan"), ("list_item", "Build it")]


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.html", "<h1>Kept</h1><p>Grüße.</p>".encode(), [("title", "Kept"), ("text", "Grüße.")]),
        ("a.htm", b"\xef\xbb\xbf<p>Kept</p>", [("text", "Kept")]),
        ("a.mht", MHT, [("title", "Kept"), ("text", "Grüße.")]),
        ("a.docx", b"PK\x03\x04", []),
    ],
)
def test_a_page_that_a_converter_put_in(tmp_path, name, content, found):
    document = docx.Document()
    document.add_paragraph("Before")
    link = related(document, "aFChunk", name, content)
    document.element.body.insert(1, parse_xml(f'<w:altChunk {W} {R} r:id="{link}"/>'))
    extracted = written(tmp_path, document)
    assert parts_of(extracted) == [("text", "Before"), *found]
    warned = [] if found else ["1 included files were not read"]
    assert extracted.details["warnings"] == warned


def typed(document, text, font="Consolas", style=None):
    run = document.add_paragraph(style=style).add_run(text)
    run.font.name = font


def test_programs_are_code_and_keep_their_lines(tmp_path):
    document = docx.Document()
    document.styles.add_style("Source Code", 1)
    document.add_paragraph("A function of two lines:")
    typed(document, "def f(n):")
    typed(document, "    return n")
    document.add_paragraph("Call it as ").add_run("f(1)").font.name = "Consolas"
    document.add_paragraph("print(f(1))", style="Source Code")
    document.add_paragraph("So much for it.")
    typed(document, "A memo, as if typed.")
    typed(document, "in a list", style="List Bullet")
    for n in range(4):
        document.add_paragraph(f"Words {n}.")
    assert parts_of(written(tmp_path, document))[:7] == [
        ("text", "A function of two lines:"),
        ("code", "def f(n):\n    return n"),
        ("text", "Call it as f(1)"),
        ("code", "print(f(1))"),
        ("text", "So much for it."),
        ("text", "A memo, as if typed."),
        ("list_item", "in a list"),
    ]


def test_a_text_that_is_typed_throughout_is_no_program(tmp_path):
    document = docx.Document()
    for n in range(3):
        typed(document, f"Scene {n}. A door opens.", "Courier New")
    assert {kind for kind, _ in parts_of(written(tmp_path, document))} == {"text"}


def bold(document, text):
    document.add_paragraph().add_run(text).bold = True


def test_bold_lines_are_headings_where_no_style_makes_any(tmp_path):
    document = docx.Document()
    bold(document, "Terms of the lease")
    bold(document, "18.1 Purpose")
    document.add_paragraph("What is let, and to whom.")
    document.add_paragraph("It is let for a year.")
    bold(document, "18.2 Rent")
    document.add_paragraph("Ten a month.")
    bold(document, "It is due on the first day of each month.")
    document.add_paragraph("").add_run("Late").bold = True
    document.paragraphs[-1].add_run(" payment costs one more.")
    document.add_paragraph("Nothing else is owed.")
    for name in ("Ann", "Bob", "Carl"):
        document.add_paragraph(f"Signed by {name}.")
    kinds = [(kind, text[:9]) for kind, text in parts_of(written(tmp_path, document))]
    assert kinds[:6] == [
        ("text", "Terms of "),
        ("title", "18.1 Purp"),
        ("text", "What is l"),
        ("text", "It is let"),
        ("title", "18.2 Rent"),
        ("text", "Ten a mon"),
    ]
    assert {kind for kind, _ in kinds[6:]} == {"text"}


def test_bold_lines_are_none_where_a_style_makes_headings(tmp_path):
    document = docx.Document()
    document.add_heading("Lease")
    bold(document, "Rent")
    for _ in range(3):
        document.add_paragraph("Ten a month.")
    assert [kind for kind, _ in parts_of(written(tmp_path, document))] == ["title", *["text"] * 4]
