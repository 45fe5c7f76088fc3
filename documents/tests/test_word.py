from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract


def test_word(tmp_path):
    extracted = extract(files.word(tmp_path / "a.docx"))
    assert parts_of(extracted) == [
        ("text", "Confidential"),
        ("title", "Annual report"),
        ("text", "Sales grew by a third."),
        ("title", "Regions"),
        ("list_item", "North"),
        ("list_item", "South"),
        ("table", "Year | Sales\n2024 | 10\n2025 | 13"),
    ]
    assert [element.level for element in extracted.elements if element.kind == "title"] == [1, 2]
    assert extracted.elements[-1].header == "Year | Sales"
