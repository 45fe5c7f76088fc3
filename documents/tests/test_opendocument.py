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


def test_boxes_of_slides_are_read_from_the_top_and_from_the_left(tmp_path):
    box = '<draw:frame svg:x="{}cm" svg:y="{}cm" svg:width="4cm" svg:height="2cm"><draw:text-box>'
    placed = [(10, 5, "third"), (5, 5, "second"), (0, 5, "first"), (0, 8.5, "note"), (0, 0, "top")]
    placed.append((20, 15, "<text:page-number>&lt;number&gt;</text:page-number>"))
    frames = "".join(
        f"{box.format(x, y)}<text:p>{text}</text:p></draw:text-box></draw:frame>"
        for x, y, text in placed
    )
    content = f"<office:document-content {NAMES}><office:body><office:presentation><draw:page>"
    content += f"{frames}</draw:page></office:presentation></office:body></office:document-content>"
    mimetype = "application/vnd.oasis.opendocument.presentation"
    path = files.archive(tmp_path / "a.odp", {"mimetype": mimetype, "content.xml": content})
    assert extract(path).text.split("\n\n") == ["top", "first", "second", "third", "note"]


_OPEN = "urn:oasis:names:tc:opendocument:xmlns:{}:1.0"
_NAMESPACES = {
    **{name: _OPEN.format(name) for name in ("office", "text", "table", "style", "chart")},
    "draw": _OPEN.format("drawing"),
    "svg": _OPEN.format("svg-compatible"),
    "xlink": "http://www.w3.org/1999/xlink",
    "dc": "http://purl.org/dc/elements/1.1/",
}
NAMES = " ".join(f'xmlns:{name}="{uri}"' for name, uri in _NAMESPACES.items())


def document(tmp_path, body, styles="", own="", **more):
    whole = "<office:document-content {}>{}</office:document-content>"
    content = f"{own}<office:body><office:text>{body}</office:text></office:body>"
    parts = {
        "mimetype": "application/vnd.oasis.opendocument.text",
        "content.xml": whole.format(NAMES, content),
        "styles.xml": whole.format(NAMES, styles),
    }
    objects = {f"{name}/content.xml": content for name, content in more.items()}
    return extract(files.archive(tmp_path / "a.odt", parts | objects))


def number(level, kind, more=""):
    return f'<text:list-level-style-number text:level="{level}" style:num-format="{kind}" {more}/>'


STYLES = (
    '<text:list-style style:name="L">'
    + number(1, "1", 'style:num-suffix="."')
    + number(2, "a", 'style:num-prefix="(" style:num-suffix=")"')
    + number(3, "1", 'text:display-levels="3"')
    + '</text:list-style><text:list-style style:name="B"><text:list-level-style-bullet '
    + 'text:level="1" text:bullet-char="-"/></text:list-style><text:outline-style>'
    + number(1, "I", 'style:num-suffix="."')
    + number(2, "")
    + "</text:outline-style>"
)


def items(*texts):
    return "".join(f"<text:list-item>{text}</text:list-item>" for text in texts)


def p(text):
    return f"<text:p>{text}</text:p>"


def test_list_items_and_headings_have_the_numbers_that_are_seen(tmp_path):
    deepest = f"<text:list>{items(p('deepest'))}</text:list>"
    inner = f"<text:list>{items(p('deep'), p('deeper') + deepest)}</text:list>"
    first = items(p("one") + p("more"), p("two") + inner)
    further = items(p("three")) + f"<text:list-header>{p('header')}</text:list-header>"
    anew = items(p("anew")) + f'<text:list-item text:start-value="7">{p("seven")}</text:list-item>'
    body = (
        '<text:h text:outline-level="1">First</text:h><text:h text:outline-level="2">In it</text:h>'
        f'<text:list text:style-name="L">{first}</text:list>'
        '<text:h text:outline-level="1">Second</text:h>'
        '<text:h text:outline-level="1" text:is-list-header="true">Aside</text:h>'
        f'<text:list text:style-name="L" text:continue-numbering="true">{further}</text:list>'
        f'<text:list text:style-name="L">{anew}</text:list>'
        f'<text:list text:style-name="B">{items(p("bullet"))}</text:list>'
    )
    assert [text for _, text in parts_of(document(tmp_path, body, STYLES))] == [
        "I. First", "In it", "1. one", "more", "2. two", "(a) deep", "(b) deeper", "2.b.1 deepest",
        "II. Second", "Aside", "3. three", "header", "1. anew", "7. seven", "bullet",
    ]  # fmt: skip


def tag(name, *inner, **attributes):
    told = "".join(f' {key.replace("__", ":")}="{value}"' for key, value in attributes.items())
    return f"<{name}{told}>{''.join(inner)}</{name}>"


def test_raised_and_lowered_text_is_told_by_its_style(tmp_path):
    def style(name, position="", parent=""):
        told = {"style__text-position": position} if position else {}
        base = {"style__parent-style-name": parent} if parent else {}
        inner = tag("style:text-properties", **told)
        return tag("style:style", inner, style__name=name, style__family="text", **base)

    named = style("Power", "super 58%") + style("Based", parent="Power")
    named += style("Circle", parent="Circle") + style("T1", "sub 58%")
    own = style("T1", "33% 58%") + style("T2", "-33% 58%") + style("T3", "0% 100%", "Power")
    texts = [("10", "6", "Power"), ("m", "2", "Based"), ("10", "3", "T1"), ("H", "2", "T2"),
             ("5", "4", "T3"), ("6", "5", "Circle")]  # fmt: skip
    body = " ".join(
        before + tag("text:span", up, **{"text__style-name": name}) for before, up, name in texts
    )
    body += f" log{tag('text:span', '2', **{'text__style-name': 'T2'})}8"
    own, named = tag("office:automatic-styles", own), tag("office:styles", named)
    found = document(tmp_path, p(body), named, own=own)
    assert parts_of(found) == [("text", "10⁶ m² 10³ H2 54 65 log₂8")]


def test_headers_and_footers_are_read_once(tmp_path):
    number = "<text:page-number>3</text:page-number>"
    styles = tag(
        "style:master-page",
        tag("style:header", p("The Journal")),
        tag("style:footer", p(number)),
        tag("style:header-left", p("The Journal")),
        tag("style:footer-left", p("Draft of <text:title>It</text:title>")),
    )
    assert parts_of(document(tmp_path, p("Words."), styles)) == [
        ("text", "The Journal"),
        ("text", "Words."),
        ("text", "Draft of It"),
    ]


def test_a_table_of_contents_is_left_out_as_it_repeats_the_headings(tmp_path):
    lines = tag("text:index-title", p("Contents")) + p("Head 1")
    contents = tag("text:table-of-content", tag("text:index-body", lines))
    body = f'{contents}<text:h text:outline-level="1">Head</text:h>{p("Words.")}'
    assert parts_of(document(tmp_path, body)) == [("title", "Head"), ("text", "Words.")]


def test_notes_and_text_boxes_follow_their_paragraph_once(tmp_path):
    note = tag("text:note", tag("text:note-citation", "1"), tag("text:note-body", p("A note.")))
    inner = tag("draw:text-box", p("Inner" + tag("office:annotation", p("Why?"))))
    box = tag("draw:text-box", p("Outer" + tag("draw:frame", inner)))
    body = f'<text:h text:outline-level="1">Head{note}</text:h>{p("One" + tag("draw:frame", box))}'
    assert parts_of(document(tmp_path, body)) == [
        ("title", "Head"),
        ("text", "A note."),
        ("text", "One"),
        ("text", "Outer"),
        ("text", "Inner"),
        ("text", "Comment: Why?"),
    ]


def test_comments_pictures_formulas_and_charts(tmp_path):
    comment = tag("office:annotation", "<dc:creator>Ann</dc:creator>", p("Really?"))
    said = tag("svg:title", "duck.png") + tag("svg:desc", "A duck")
    math = "<msup><mi>c</mi><mn>2</mn></msup>"
    rows = [
        tag("table:table-row", *(tag("table:table-cell", p(text)) for text in row))
        for row in (("", "Tons"), ("North", "12"))
    ]
    chart = tag("chart:chart", tag("chart:title", p("Sales")), tag("table:table", *rows))
    body = tag("office:body", tag("office:chart", chart))
    objects = {
        "Formula": f'<math xmlns="http://www.w3.org/1998/Math/MathML">{math}</math>',
        "Chart": f"<office:document-content {NAMES}>{body}</office:document-content>",
    }
    formula, shown = (
        tag("draw:frame", tag("draw:object", xlink__href=f"./{name}")) for name in objects
    )
    paragraph = f"E=m{formula} holds.{comment}{tag('draw:frame', said)}"
    assert parts_of(document(tmp_path, p(paragraph) + p(shown), **objects)) == [
        ("text", "E=mc^2 holds."),
        ("text", "Comment by Ann: Really?"),
        ("text", "A duck"),
        ("text", "Sales"),
        ("table", "| Tons\nNorth | 12"),
    ]


def test_a_table_in_a_cell_is_read_once_and_so_is_how_to_read_characters(tmp_path):
    def cells(*contents):
        made = "".join(tag("table:table-cell", each) for each in contents)
        return tag("table:table-row", made)

    inner = tag("table:table", cells(p("in 1"), p("in 2")), cells(p("in 3"), p("in 4")))
    table = tag(
        "table:table",
        tag("table:table-header-rows", cells(p("Key"), p("Words"))),
        tag("table:table-rows", cells(p("A"), p("Out") + inner), cells(p("B"), p("last"))),
    )
    ruby = "<text:ruby><text:ruby-base>漢字</text:ruby-base><text:ruby-text>かんじ</text:ruby-text>"
    assert parts_of(document(tmp_path, table + p(f"{ruby}</text:ruby> it is"))) == [
        ("table", "Key | Words\nA | Out in 1 in 2 in 3 in 4\nB | last"),
        ("text", "漢字(かんじ) it is"),
    ]
