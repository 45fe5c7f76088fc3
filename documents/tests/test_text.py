import csv
import json

import pytest

from documents.tests.files import parts_of
from documents.tests.reading import extract


def test_plain_text(read):
    assert read("a.txt", "One\nline.\n\n\n- first\n- second\n\nLast\x00 words.\r\n") == [
        ("text", "One\nline."),
        ("list_item", "- first"),
        ("list_item", "- second"),
        ("text", "Last words."),
    ]


def test_the_header_of_a_csv_goes_with_the_table(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('name;note\nAnn;"likes; cakes"\n\nBob;"two\nlines"\n')
    extracted = extract(path)
    (table,) = extracted.elements
    assert extracted.text == "name | note\nAnn | likes; cakes\nBob | two lines"
    assert table.header == "name | note"


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (
            "Item;Q1;Q2\nA;0,50;1,25\nB;1,50;2,25",
            "Item | Q1 | Q2\nA | 0,50 | 1,25\nB | 1,50 | 2,25",
        ),
        ("0,50;1,25\n1,50;2,25", "0,50 | 1,25\n1,50 | 2,25"),
        ("Ann;€ 1.234,56\nBob;99,10 €", "Ann | € 1.234,56\nBob | 99,10 €"),
        ("Smith, Ann, Dr.;12\nDoe, Jane;13", "Smith, Ann, Dr. | 12\nDoe, Jane | 13"),
        ('"a;b",1\n"c;d",2', "a;b | 1\nc;d | 2"),
        ("1,a;b,2\n2,c;d,3", "1 | a;b | 2\n2 | c;d | 3"),
        ("Sales of 2024, in tons\nA;1\nB;2\nC;3", "Sales of 2024, in tons\nA | 1\nB | 2\nC | 3"),
        ("1,5\t2,5\n3,5\t4,5", "1,5 | 2,5\n3,5 | 4,5"),
        ("a|b,c\n1|2", "a | b,c\n1 | 2"),
        ("sep=;\na,b;c,d", "a,b | c,d"),
        ("a\nb", "a\nb"),
    ],
)
def test_the_delimiter_is_the_one_that_parts_all_rows_alike(read, lines, found):
    assert read("a.csv", lines) == [("table", found)]


def test_a_table_of_tabs_has_no_other_delimiter(read):
    assert read("a.tsv", "a,b\tc\n1,2\t3") == [("table", "a,b | c\n1,2 | 3")]


def test_a_row_that_the_sample_cuts_does_not_decide(read):
    words = ", ".join(["word"] * 3_000)
    assert read("a.csv", f"a;b\nc;d\n{words};e") == [("table", f"a | b\nc | d\n{words} | e")]


def test_a_long_csv_is_several_tables_with_one_header(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["id", "name"], *([n, f"name {n}"] for n in range(2500))])
    extracted = extract(path)
    assert [table.header for table in extracted.elements] == ["id | name"] * 3
    assert extracted.text.endswith("2499 | name 2499")


def test_what_stands_above_the_table_of_a_csv_is_its_caption(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Sales by region,,\n\nGenerated in May\nRegion,Q1,Q2\nNorth,1,2\nTotal,,\n")
    extracted = extract(path)
    assert parts_of(extracted) == [
        ("text", "Sales by region"),
        ("text", "Generated in May"),
        ("table", "Region | Q1 | Q2\nNorth | 1 | 2\nTotal"),
    ]
    assert extracted.elements[2].header == "Region | Q1 | Q2"


def test_a_csv_of_one_column_is_a_table(read):
    assert read("a.csv", "Name\nAnn\nBob\n") == [("table", "Name\nAnn\nBob")]


def test_json_and_xml(read):
    assert read("a.json", json.dumps({"名": [1, 2]})) == [("code", '{\n "名": [\n  1,\n  2\n ]\n}')]
    assert read("a.xml", '<?xml version="1.0"?><a><b>One</b><d>two</d><c x="3"/></a>') == [
        ("text", "One"),
        ("text", "two"),
    ]


def test_json_keeps_repeated_keys_and_numbers_as_they_were_written(read):
    source = '{"price": 19.90, "big": 1e400, "a": [1, {}], "a": [], "q": "\\u00e9 \\"{1}\\""}'
    lines = (
        '{| "price": 19.90,| "big": 1e400,| "a": [|  1,|  {}| ],| "a": [],| "q": "é \\"{1}\\""|}'
    )
    assert read("a.json", source) == [("code", lines.replace("|", "\n"))]


@pytest.mark.parametrize("source", ['{"a": 1}\n{"a": 2}', '{"a": 1, // why\n}', "[" * 5_000 + "1"])
def test_what_is_not_one_value_of_json_is_read_as_it_is(read, source):
    assert read("a.json", source) == [("code", source)]


def test_json_lines_say_what_their_escapes_stand_for(read):
    source = '{"t": "\\u65e5\\u672c \\"a\\\\u\\"", "n": 1.10}\n{"t": "\\u00e9\\n"}\n{"t": \\u00e9}'
    said = '{"t": "日本 \\"a\\\\u\\"", "n": 1.10}\n{"t": "é\\n"}\n{"t": \\u00e9}'
    assert read("a.json", source) == read("a.jsonl", source) == [("code", said)]


def test_texts_of_xml_come_in_the_order_of_the_file(read):
    source = "<a><p>See <b>the <i>guide</i></b> before<!-- now --> you <b>go</b>.</p>Stop.</a>"
    found = read("a.xml", f'<?xml version="1.0"?>{source}')
    assert found == [("text", "See the guide before you go."), ("text", "Stop.")]


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("<b>One</b> two <c/>", ["One two"]),
        ("<p>H<s>2</s>O is <!-- so -->wet.</p><v>6<!-- x -->7</v>", ["H2O is wet.", "67"]),
        ("<p>\n  A <b>bold</b>\n  word.\n</p>", ["A bold\nword."]),
        ("<p>By <n><s>Li</s><g>Po</g></n>, <x><s>1</s></x>.</p>", ["By Li Po, 1."]),
        ("Either <list><i><v>a</v></i><i><v>b</v></i></list> or.", ["Either", "a", "b", "or."]),
        ("<p>See <b>it</b></p>\n<v>5</v>", ["See it", "5"]),
        ("Some words.<p>a</p><p>b</p>", ["Some words.", "a", "b"]),
        ("<city>Paris<land>France</land></city>", ["Paris", "France"]),
        ("stray words" + "<e>a</e>" * 4, ["stray words", *"aaaa"]),
    ],
)
def test_a_text_of_xml_with_elements_amid_its_words_is_whole(read, source, texts):
    found = read("a.xml", f'<?xml version="1.0"?><a>{source}</a>')
    assert [text for _, text in found] == texts


def test_entities_of_xml_are_not_expanded_from_files(read, tmp_path):
    (tmp_path / "secret").write_text("secret words")
    source = f"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY s SYSTEM "file://{tmp_path}/secret">]>
    <a><b>open &s; words</b></a>"""
    assert "secret" not in str(read("a.xml", source))
