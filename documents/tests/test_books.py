from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract


def test_book(tmp_path):
    assert parts_of(extract(files.book(tmp_path / "a.epub"))) == [
        ("title", "One"),
        ("text", "It begins here."),
        ("title", "Two"),
        ("text", "It ends."),
    ]
