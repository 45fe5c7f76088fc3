import csv
import json

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


def test_a_long_csv_is_several_tables_with_one_header(tmp_path):
    path = tmp_path / "a.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["id", "name"], *([n, f"name {n}"] for n in range(2500))])
    extracted = extract(path)
    assert [table.header for table in extracted.elements] == ["id | name"] * 3
    assert extracted.text.endswith("2499 | name 2499")


def test_json_and_xml(read):
    assert read("a.json", json.dumps({"名": [1, 2]})) == [("code", '{\n "名": [\n  1,\n  2\n ]\n}')]
    assert read("a.xml", '<?xml version="1.0"?><a><b>One</b> two <c x="3"/></a>') == [
        ("text", "One"),
        ("text", "two"),
    ]


def test_entities_of_xml_are_not_expanded_from_files(read, tmp_path):
    (tmp_path / "secret").write_text("secret words")
    source = f"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY s SYSTEM "file://{tmp_path}/secret">]>
    <a><b>open &s; words</b></a>"""
    assert "secret" not in str(read("a.xml", source))
