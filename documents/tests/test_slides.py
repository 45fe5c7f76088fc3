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
