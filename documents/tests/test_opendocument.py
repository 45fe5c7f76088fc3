from documents.tests import files
from documents.tests.files import parts_of
from documents.tests.reading import extract


def test_open_document_does_not_swell_with_repeated_cells(tmp_path):
    parts = parts_of(extract(files.open_text(tmp_path / "a.odt")))
    assert parts[:3] == [("title", "Title"), ("text", "Two words."), ("list_item", "Item")]
    assert parts[3][1].startswith("a | b | b")
    assert len(parts[3][1]) < 2000


def test_headings_are_no_deeper_than_open_document_has_them(tmp_path):
    """Thousands within each other would cost a splitter their square."""
    levels = (1, 2, 10, 11, 99_999, 0)
    body = "".join(f'<text:h text:outline-level="{n}">Part {n}</text:h>' for n in levels)
    extracted = extract(files.open_text(tmp_path / "deep.odt", body))
    assert [element.level for element in extracted.elements] == [1, 2, 10, 10, 10, 1]


def test_slides_have_titles_and_notes_but_no_page_numbers(tmp_path):
    frame = '<draw:frame p:class="{}"><draw:text-box><t:p>{}</t:p></draw:text-box></draw:frame>'
    body = frame.format("title", "Plan") + frame.format("subtitle", "First step")
    notes = frame.format("notes", "Speak slowly.") + frame.format("page-number", "1")
    uri = "urn:oasis:names:tc:opendocument:xmlns:{}:1.0"
    spaces = {"o": "office", "draw": "drawing", "p": "presentation", "t": "text"}
    named = " ".join(f'xmlns:{name}="{uri.format(kind)}"' for name, kind in spaces.items())
    content = (
        f"<o:document-content {named}><o:body><o:presentation><draw:page>{body}<p:notes>{notes}"
    )
    content += "</p:notes></draw:page></o:presentation></o:body></o:document-content>"
    mimetype = "application/vnd.oasis.opendocument.presentation-template"
    path = files.archive(tmp_path / "a.otp", {"mimetype": mimetype, "content.xml": content})
    assert parts_of(extract(path)) == [
        ("title", "Plan"),
        ("text", "First step"),
        ("text", "Speak slowly."),
    ]
