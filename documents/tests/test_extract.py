import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.exceptions import NoText, ReadingStopped, TooMuchText
from documents.extraction.assemble import normalise
from documents.extraction.encodings import decode
from documents.extraction.language import detect_language
from documents.extraction.readers import READERS
from documents.extraction.types import SUPPORTED, detect
from documents.steps.extract import extract_text
from documents.tests import files
from documents.tests.files import LIMITS, parts_of


def extract(path, *, report=lambda done, total: None, should_stop=lambda: False, limits=LIMITS):
    return extract_text(
        path,
        content_type=detect(path, path.name),
        name=path.name,
        limits=limits,
        report=report,
        should_stop=should_stop,
    )


@pytest.fixture
def read(tmp_path):
    """Write a file and read it: its elements' kinds and texts."""

    def run(name, content):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return parts_of(extract(path))

    return run


def test_every_supported_type_has_a_reader():
    assert SUPPORTED.keys() == READERS.keys()


def test_plain_text(read):
    assert read("a.txt", "One\nline.\n\n\n- first\n- second\n\nLast\x00 words.\r\n") == [
        ("text", "One\nline."),
        ("list_item", "- first"),
        ("list_item", "- second"),
        ("text", "Last words."),
    ]


def test_spans_point_into_the_text(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("# Tïtle\n\nA *word* 字.\n\n* one\n* two\n")
    extracted = extract(path)
    assert extracted.text == "Tïtle\n\nA word 字.\n\none\ntwo"
    assert [(e.kind, e.start, e.end, e.level) for e in extracted.elements] == [
        ("title", 0, 5, 1),
        ("text", 7, 16, 0),
        ("list_item", 18, 21, 0),
        ("list_item", 22, 25, 0),
    ]


def test_markdown(read):
    source = """---
draft: yes
---
Title
=====
See [the *docs*](http://a.b/c_(d)) and `code_with_marks`, not snake_case_names.

1. First
2. Second

```python
x = 1

y = 2
```

| Name | **Age** |
|------|---------|
| Ann  | 40      |

<div><p>Raw <b>HTML</b></p></div>
"""
    assert read("a.md", source) == [
        ("title", "Title"),
        ("text", "See the docs and code_with_marks, not snake_case_names."),
        ("list_item", "1. First"),
        ("list_item", "2. Second"),
        ("code", "x = 1\n\ny = 2"),
        ("table", "Name | Age\nAnn | 40"),
        ("text", "Raw HTML"),
    ]


def test_web_page(read):
    page = """<!doctype html><html><head><title>Shop</title><style>p {}</style></head><body>
    <nav><a href="/">Home</a></nav><script>var x = 1</script>
    <h1>Prices</h1><p>All   in <b>euros</b>.<br>Today.</p><p style="display: none">hidden</p>
    <p><b>Fruit</b></p><ul><li>Apples<ul><li>red</li></ul></li><li><p>Pears</p></li></ul>
    <table><tr><th>Kind</th><th>Price</th></tr><tr><td>Apple</td><td>$</td><td>2</td></tr></table>
    <table role="presentation"><tr><td><p>Left</p></td><td><p>Right</p></td></tr></table>
    <pre>a\n  b</pre></body></html>"""
    assert read("a.html", page) == [
        ("title", "Prices"),
        ("text", "All in euros.\nToday."),
        ("title", "Fruit"),
        ("list_item", "Apples"),
        ("list_item", "red"),
        ("list_item", "Pears"),
        ("table", "Kind | Price\nApple | $2"),
        ("text", "Left"),
        ("text", "Right"),
        ("code", "a\n  b"),
    ]


def test_a_web_page_names_its_own_encoding(read):
    page = "<html><head><meta charset='windows-1251'></head><body>Привет всем</body></html>"
    assert read("a.html", page.encode("cp1251")) == [("text", "Привет всем")]


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


def test_pdf_paragraphs_headings_and_pages(tmp_path):
    def running(number):
        return [(50, 810, "The Journal of Tests"), (290, 20, str(number))]

    pages = [
        [(50, 740, "18|Great Expectations"),
         (50, 700, "This paragraph goes on for a good while, so"),
         (50, 688, "that it needs a second line and a hyphen-"), (50, 676, "ated word."),
         (50, 640, "Another paragraph stands apart.")],
        [(50, 700, "On the second page.")],
        [(50, 700, "On the third page.")],
    ]  # fmt: skip
    pages = [running(n) + lines for n, lines in enumerate(pages, 1)]
    extracted = extract(files.pdf(tmp_path / "a.pdf", pages))
    assert parts_of(extracted) == [
        ("title", "Great Expectations"),
        (
            "text",
            (
                "This paragraph goes on for a good while, so that it needs a second line and"
                " a hyphenated word."
            ),
        ),
        ("text", "Another paragraph stands apart."),
        ("text", "On the second page."),
        ("text", "On the third page."),
    ]
    assert [element.page for element in extracted.elements] == [1, 1, 1, 2, 3]
    assert extracted.pages == 3
    assert extracted.language == "en"


def test_pdf_columns_are_read_one_after_the_other(tmp_path):
    left = [(50, 700 - 12 * n, f"Left column line {n} goes on and") for n in range(4)]
    right = [(320, 700 - 12 * n, f"right column line {n} goes on and") for n in range(4)]
    ((_, text),) = parts_of(extract(files.pdf(tmp_path / "a.pdf", [left + right])))
    assert text.index("Left column line 3") < text.index("right column line 0")


def test_a_pdf_says_which_pages_are_empty_and_why_nothing_was_found(tmp_path):
    mixed = extract(files.pdf(tmp_path / "a.pdf", [[(50, 700, "Words.")], []]))
    assert mixed.details == {
        "reader": "pdf",
        "empty_pages": 1,
        "warnings": ["1 of 2 pages have no text"],
    }
    with pytest.raises(NoText, match=r"^No text was found in the file \(PDF\)\.$"):
        extract(files.pdf(tmp_path / "b.pdf", [[]]))


def test_a_scanned_pdf_is_called_one(tmp_path):
    from PIL import Image
    from reportlab.pdfgen.canvas import Canvas

    Image.new("RGB", (50, 50), "red").save(tmp_path / "scan.png")
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.drawImage(str(tmp_path / "scan.png"), 0, 0)
    canvas.save()
    with pytest.raises(NoText, match=r"no text layer; its pages are probably scanned images"):
        extract(tmp_path / "a.pdf")


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


def test_workbook(tmp_path):
    extracted = extract(files.workbook(tmp_path / "a.xlsx"))
    assert parts_of(extracted) == [
        ("title", "Prices"),
        ("table", "Fruit | Price | Since\nApple | 1.5\nPear | 2"),
    ]
    assert extracted.pages == 1
    assert extracted.details["warnings"] == ["1 hidden sheets were left out"]


def test_book(tmp_path):
    assert parts_of(extract(files.book(tmp_path / "a.epub"))) == [
        ("title", "One"),
        ("text", "It begins here."),
        ("title", "Two"),
        ("text", "It ends."),
    ]


def test_open_document_does_not_swell_with_repeated_cells(tmp_path):
    parts = parts_of(extract(files.open_text(tmp_path / "a.odt")))
    assert parts[:3] == [("title", "Title"), ("text", "Two words."), ("list_item", "Item")]
    assert parts[3][1].startswith("a | b | b")
    assert len(parts[3][1]) < 2000


def test_mail_names_its_attachments(tmp_path):
    extracted = extract(files.mail(tmp_path / "a.eml"))
    assert parts_of(extracted) == [
        ("title", "Grüße"),
        ("text", "From: ann@example.org\nTo: bob@example.org"),
        ("text", "Hello Bob,"),
        ("text", "see you."),
    ]
    assert extracted.details["attachments"] == ["plan.pdf"]


def test_rich_text_and_restructured_text(read, tmp_path):
    (tmp_path / "secret").write_text("secret words")
    assert read("a.rtf", r"{\rtf1\ansi Caf\'e9 {\b bold}\par Second}") == [
        ("text", "Café bold"),
        ("text", "Second"),
    ]
    source = f"Title\n=====\n\nWords.\n\n.. raw:: html\n   :file: {tmp_path}/secret\n"
    assert "secret" not in str(read("a.rst", source))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Grüße aus München, schöne Tage", "utf-8-sig"),
        ("Grüße aus München, schöne Tage", "utf-16"),
        ("Plain words in two bytes each", "utf-16-be"),
        ("这是一个用来测试编码检测的中文句子，它应该足够长，才能得到正确的结果。", "gb18030"),
        ("這是一個用來測試編碼檢測的中文句子，它應該足夠長，才能得到正確的結果。", "big5"),
        ("これは文字コードの判定を試すための日本語の文章です。十分に長いはずです。", "shift_jis"),
        ("Это предложение на русском языке, чтобы проверить определение кодировки.", "cp1251"),
        ("Où est passé le garçon ? Il a été vu près de la forêt, là-bas, très tôt.", "cp1252"),
    ],
)
def test_text_is_decoded_whatever_its_encoding(text, encoding):
    assert decode(text.encode(encoding))[0] == text


def test_broken_utf8_keeps_what_is_whole():
    assert decode("Grüße und Küsse, äöü und noch viel mehr üöä ÄÖÜ äöüäöü äöü äöü".encode()[:-1])[
        0
    ].startswith("Grüße und Küsse")


def test_text_is_normalised():
    assert (
        normalise(" A\u00a0 \u200bﬁle\tcafe\u0301\ud800 \r\n b\u2028c\x07 ") == "A file café\nb\nc"
    )
    assert normalise("\n  def f():\n\treturn 1\n", code=True) == "  def f():\n\treturn 1"


@given(st.text(st.sampled_from("aé\u0301ﬁ字\x00\ud800\u200b\xa0 \t\r\n\u2028\ufeff")))
def test_normalised_text_is_fit_for_postgres(text):
    normal = normalise(text)
    assert "\x00" not in normal
    assert normal.encode().decode() == normal
    assert normalise(normal) == normal


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("It is not the strongest of the species that survives, but the one that adapts.", "en"),
        ("Der Hund ist nicht so groß wie das Pferd, und er läuft auch nicht mit dem Wind.", "de"),
        (
            "Le chat est sur la table et il ne veut pas que les enfants soient dans la cuisine.",
            "fr",
        ),
        ("El perro de la casa no es tan grande como el caballo que está en los campos.", "es"),
        ("人人生而自由，在尊严和权利上一律平等。", "zh"),
        ("すべての人間は、生まれながらにして自由である。", "ja"),
        ("모든 인간은 태어날 때부터 자유롭다.", "ko"),
        ("Все люди рождаются свободными и равными.", "ru"),
        ("Всі люди народжуються вільними і рівними у своїй гідності та правах.", "uk"),
        ("12345 67890", ""),
    ],
)
def test_languages_are_told_apart(text, language):
    assert detect_language(text) == language


def test_too_much_text_and_no_text_are_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("word " * 100)
    small = files.Limits(
        max_bytes=1000, memory_bytes=500_000_000, seconds=20, max_pages=1, max_chars=400
    )
    with pytest.raises(TooMuchText, match="more than 400 characters"):
        extract(path, limits=small)
    path.write_text(" \n\n -- \n")
    with pytest.raises(NoText, match="Plain text"):
        extract(path)


def test_reading_stops_when_asked(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("words " * 1_000_000)
    with pytest.raises(ReadingStopped):
        extract(path, should_stop=lambda: True)
