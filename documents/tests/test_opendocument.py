from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract


def test_open_document_does_not_swell_with_repeated_cells(tmp_path):
    parts = parts_of(extract(files.open_text(tmp_path / "a.odt")))
    assert parts[:3] == [("title", "Title"), ("text", "Two words."), ("list_item", "Item")]
    assert parts[3][1].startswith("a | b | b")
    assert len(parts[3][1]) < 2000
