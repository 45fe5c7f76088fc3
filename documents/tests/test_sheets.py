from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract


def test_workbook(tmp_path):
    extracted = extract(files.workbook(tmp_path / "a.xlsx"))
    assert parts_of(extracted) == [
        ("title", "Prices"),
        ("table", "Fruit | Price | Since\nApple | 1.5\nPear | 2"),
    ]
    assert extracted.pages == 1
    assert extracted.details["warnings"] == ["1 hidden sheets were left out"]
