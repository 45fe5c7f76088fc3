import zipfile

import pytest

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


PAGE = '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:e="http://www.idpf.org/2007/ops">{}</html>'
NAV = """<body><nav e:type="toc"><ol><li><a href="t/one.xhtml">One</a><ol>
<li><a href="t/two.xhtml#a">Two  words</a></li></ol></li></ol></nav>
<nav e:type="landmarks"><ol><li><a href="t/one.xhtml">Start</a></li></ol></nav></body>"""
NCX = """<ncx><navMap><navPoint><navLabel><text>One</text></navLabel><content src="t/one.xhtml"/>
<navPoint><navLabel><text>Two words</text></navLabel><content src="t/two.xhtml#a"/></navPoint>
</navPoint></navMap></ncx>"""


@pytest.mark.parametrize(
    ("contents", "kind"),
    [
        (PAGE.format(NAV), 'media-type="application/xhtml+xml" properties="nav"'),
        (NCX, 'media-type="application/x-dtbncx+xml"'),
    ],
)
def test_chapters_have_the_names_of_the_table_of_contents(tmp_path, contents, kind):
    item = '<item id="{0}" href="t/{0}.xhtml" media-type="application/xhtml+xml"/>'
    items = "".join(item.format(name) for name in ("cover", "one", "two", "rest"))
    order = ("toc", "cover", "one", "two", "rest", "two")
    spine = "".join(f'<itemref idref="{name}"/>' for name in order)
    pages = {
        "cover": '<img alt="Cover"/>',
        "one": "<p>ONE</p><p>It begins<a e:type='noteref' href='#n'>1</a>.</p>",
        "two": "<p>It goes on.</p>",
        "rest": "<p>And on.</p>",
    }
    path = files.archive(
        tmp_path / "a.epub",
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<c><rootfile full-path="O/b.opf"/></c>',
            "O/b.opf": f'<package><manifest><item id="toc" href="toc" {kind}/>{items}</manifest>'
            f'<spine>{spine}</spine><guide><reference type="cover" href="t/cover.xhtml"/></guide>'
            "</package>",
            "O/toc": contents,
            **{
                f"O/t/{name}.xhtml": PAGE.format(f"<body>{body}</body>")
                for name, body in pages.items()
            },
        },
    )
    extracted = extract(path)
    assert parts_of(extracted) == [
        ("title", "One"),
        ("text", "It begins[1]."),
        ("title", "Two words"),
        ("text", "It goes on."),
        ("text", "And on."),
    ]
    assert [each.level for each in extracted.elements if each.kind == "title"] == [1, 2]


def test_a_chapter_in_which_the_table_of_contents_stands_is_read(tmp_path):
    links = "".join(f'<p><a href="one.xhtml#{n}">Part {n}</a></p>' for n in range(3))
    for text, is_read in (("It begins. " * 300, True), ("Contents", False)):
        with zipfile.ZipFile(files.book(tmp_path / "usual.epub")) as old:
            parts = {name: old.read(name).decode() for name in old.namelist()}
        guide = '<guide><reference type="toc" href="one.xhtml#toc"/></guide></package>'
        parts["OPS/book.opf"] = parts["OPS/book.opf"].replace("</package>", guide)
        parts["OPS/one.xhtml"] = PAGE.format(f"<body><h1>One</h1>{links}<p>{text}</p></body>")
        extracted = extract(files.archive(tmp_path / "a.epub", parts))
        assert (("title", "One") in parts_of(extracted)) == is_read
        assert ("text", "It ends.") in parts_of(extracted)


def test_names_of_characters_are_put_in_but_nothing_that_a_page_defines(tmp_path):
    page = """<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "xhtml11.dtd" [
    <!ENTITY lol "bomb"><!ENTITY bomb "&lol;&lol;&lol;&eacute;">]>
    <html xmlns="http://www.w3.org/1999/xhtml"><body><h1>Caf&eacute;</h1>
    <p>&ldquo;Na&iuml;ve&rdquo;&nbsp;&mdash; R&amp;D &lt; &bomb;<img alt="&eacute;t&eacute;"/></p>
    </body></html>"""
    with zipfile.ZipFile(files.book(tmp_path / "usual.epub")) as old:
        parts = {name: old.read(name).decode() for name in old.namelist()}
    extracted = extract(files.archive(tmp_path / "a.epub", {**parts, "OPS/one.xhtml": page}))
    assert parts_of(extracted)[:2] == [("title", "Café"), ("text", "“Naïve” — R&D < été")]
