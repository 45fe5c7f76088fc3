import docx
import pytest
from docx.oxml import parse_xml

from documents.tests.files import parts_of
from documents.tests.test_word import W, add, written


def read_run(tmp_path, *xml):
    document = docx.Document()
    paragraph = document.add_paragraph("A ")
    for each in xml:
        add(paragraph, f"<w:r>{each}</w:r>")
    ((_, text),) = parts_of(written(tmp_path, document))
    return text


@pytest.mark.parametrize(
    ("font", "number", "seen"),
    [
        ("Symbol", "F0B1", "A ±"),
        ("Symbol", "006D", "A μ"),
        ("symbol", "F0AE", "A →"),
        ("Wingdings", "F0FE", "A ☑"),
        ("Wingdings 2", "F052", "A ☑"),
        ("Arial", "2022", "A •"),
        ("Webdings", "F021", "A"),
        ("Wingdings", "F0FF", "A"),
        ("Symbol", "F0F0", "A"),
        ("Symbol", "zz", "A"),
    ],
)
def test_signs_are_the_characters_they_look_like(tmp_path, font, number, seen):
    assert read_run(tmp_path, f'<w:sym w:font="{font}" w:char="{number}"/>') == seen


LIST = '<w:listEntry w:val="Red"/><w:listEntry w:val="Blue"/>'


@pytest.mark.parametrize(
    ("field", "seen"),
    [
        ("<w:checkBox><w:checked/></w:checkBox>", "A ☒"),
        ('<w:checkBox><w:default w:val="1"/></w:checkBox>', "A ☒"),
        ('<w:checkBox><w:default w:val="1"/><w:checked w:val="0"/></w:checkBox>', "A ☐"),
        ("<w:checkBox/>", "A ☐"),
        (f'<w:ddList><w:result w:val="1"/>{LIST}</w:ddList>', "A Blue"),
        (f"<w:ddList>{LIST}</w:ddList>", "A Red"),
        (f'<w:ddList><w:result w:val="7"/>{LIST}</w:ddList>', "A"),
        ("<w:ddList/>", "A"),
        ("<w:textInput/>", "A"),
    ],
)
def test_boxes_and_choices_of_forms(tmp_path, field, seen):
    begin = f'<w:fldChar w:fldCharType="begin"><w:ffData>{field}</w:ffData></w:fldChar>'
    assert read_run(tmp_path, begin, '<w:fldChar w:fldCharType="end"/>') == seen


def test_a_row_that_begins_further_right_keeps_its_columns(tmp_path):
    document = docx.Document()
    table = document.add_table(2, 3)
    for row, texts in zip(table.rows, ["abc", "def"], strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    row = table.rows[1]._tr
    row.remove(row.tc_lst[0])
    row.get_or_add_trPr().append(parse_xml(f'<w:gridBefore {W} w:val="1"/>'))
    assert parts_of(written(tmp_path, document)) == [("table", "a | b | c\n| e | f")]
