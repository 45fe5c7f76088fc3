import time

import pytest

from documents.extraction.markup import rst
from documents.tests.files import parts_of
from documents.tests.reading import extract


def test_rich_text_and_restructured_text(read, tmp_path):
    (tmp_path / "secret").write_text("secret words")
    assert read("a.rtf", r"{\rtf1\ansi Caf\'e9 {\b bold}\par Second}") == [
        ("text", "Café bold"),
        ("text", "Second"),
    ]
    source = f"Title\n=====\n\nWords.\n\n.. raw:: html\n   :file: {tmp_path}/secret\n"
    assert "secret" not in str(read("a.rst", source))


def test_rich_text_of_any_code_page_with_its_headings_and_lists_in_place(read):
    source = rb"""{\rtf1\ansi\ansicpg936
{\fonttbl{\f0\fcharset134 A;}{\f1\fcharset204 B;}{\f2\fcharset0 C;}}
{\stylesheet{\s1\b Heading 1;}{\s2\outlinelevel1 Own;}}
{\*\listtable{\list{\listlevel\levelnfc0{\leveltext\'02\'00.;}}\listid1}}
{\*\listoverridetable{\listoverride\listid1\ls1}}
\pard\s1\b\f0 \'d6\'d0\'b9\'fa\b0\par\pard\f1 \'cf\'f0\'e8\'e2\'e5\'f2\par
\pard\s2 Lists\par\pard{\listtext\pard\plain 1.\tab}\ls1\ilvl0 first\par
\pard{\listtext\f2\'b7\tab}\ls1 dot\par\pard\f2 Caf\'e9 {\uc2\u20013\'d6\'d0}\'a9\par}"""
    assert read("a.rtf", source.replace(b"\n", b"\r\n")) == [
        ("title", "中国"),
        ("text", "Привет"),
        ("title", "Lists"),
        ("list_item", "1. first"),
        ("list_item", "dot"),
        ("text", "Café 中©"),
    ]


def test_titles_stand_above_the_headings_and_code_is_whole(tmp_path):
    path = tmp_path / "a.org"
    path.write_text(
        "#+TITLE: Notes\n#+OPTIONS: toc:nil\n* One\n:PROPERTIES:\n:ID: x\n:END:\nWords[fn:1].\n"
        "#+BEGIN_SRC python\na\n\nb\n#+END_SRC\n# comment\n[fn:1] A note.\n"
    )
    extracted = extract(path)
    assert parts_of(extracted) == [
        ("title", "Notes"),
        ("title", "One"),
        ("text", "Words[1]."),
        ("code", "a\n\nb"),
        ("list_item", "1. A note."),
    ]
    assert [each.level for each in extracted.elements][:2] == [1, 2]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.rst", "A\n=\n\nB\n-\n\nC\n~\n\nWords.\n\nD\n^\n\nMore.\n"),
        ("a.org", "* A\n** B\n*** C\nWords.\n**** D\nMore.\n"),
        ("b.org", "#+TITLE: A\n* B\n** C\nWords.\n*** D\nMore.\n"),
    ],
)
def test_headings_are_such_at_every_depth(tmp_path, name, source):
    (tmp_path / name).write_text(source)
    found = extract(tmp_path / name)
    headings = [part for part in zip(found.elements, parts_of(found), strict=True) if part[0].level]
    assert [(each.level, text) for each, (_, text) in headings] == [*enumerate("ABCD", 1)]


def test_what_is_deleted_from_rich_text_and_its_pictures_leave_no_trace(read):
    picture = r"{\*\shppict{\pict\pngblip 89504e470d0a1a0a}}"
    changed = r"{\deleted old }{\revised new}\deleted gone\deleted0 , {\strike struck} \\deleted"
    assert read("a.rtf", rf"{{\rtf1\ansi One{picture} {changed}\par}}") == [
        ("text", r"One new, struck \deleted")
    ]
    assert read("a.rst", "One\n\n.. image:: a.png\n\n.. image:: b.png\n   :alt: A duck\n") == [
        ("text", "One"),
        ("text", "A duck"),
    ]


def test_headers_and_footers_of_rich_text_once_and_without_page_numbers(read):
    number = r"{\field{\*\fldinst {PAGE }}{\fldrslt {7}}}"
    source = rf"""{{\rtf1\ansi{{\fonttbl{{\f0 A;}}}}
{{\stylesheet{{\s1 Norm\'e4l;}}{{\*\cs2 \additive Aufz\'e4hlung;}}}}
{{\header\pard The Journal, page {number}\par}}{{\footer {number}}}
\pard One.\par\sect{{\headerl\pard\b The Journal, page {number}\par}}{{\footerr Draft\par}}
\pard Two.\par}}"""
    assert read("a.rtf", source) == [
        ("text", "The Journal, page"),
        ("text", "One."),
        ("text", "Two."),
        ("text", "Draft"),
    ]


def test_a_list_item_is_one_also_where_its_number_lies_in_a_group_of_its_own(read):
    source = r"""{\rtf1\ansi{\fs24 A list:\par {\listtext\pard\plain 1.\tab}}\pard\fi-360 {\fs24 one
\par {\listtext\pard\plain 2.\tab}two\par}\pard After.\par}"""
    assert read("a.rtf", source) == [
        ("text", "A list:"),
        ("list_item", "1. one"),
        ("list_item", "2. two"),
        ("text", "After."),
    ]


@pytest.mark.parametrize(
    "source",
    [
        r"{\rtf1\ansi {\b Words} here.\par",
        r"{\rtf1\ansi {\b Words} here.\par}}}",
        r"{\rtf1\ansi {\rtf1\ansi Words} here.\par}",
        b"{\\rtf1\\ansi {\\pict\\bin4 \xff}{\xfe}Words here.\\par}",
        b"{\\rtf1\\ansi Words{\\*\\unknown\\bin3 \xe4{{} here.\\par}",
    ],
)
def test_damaged_groups_and_binary_data(read, source):
    assert read("a.rtf", source) == [("text", "Words here.")]


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        (r"\u-10179 ?\u-8704 ?", "😀"),
        (r"\u55357 ?\u56832 ?", "😀"),
        (r"\u55357 ?", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_characters_that_rich_text_writes_in_halves(read, written, seen):
    source = rf"{{\rtf1\ansi Good {written} day\par}}"
    assert read("a.rtf", source) == [("text", f"Good {seen} day")]


def test_numbers_boxes_and_dates_of_org_mode(read):
    source = "* Plan\nDEADLINE: <2024-03-01 Fri>\nWords.\n- [ ] one\n- [X] two\n"
    source += "- three\n\n1. [@4] four\n2. five 10^6\n"
    assert read("a.org", source) == [
        ("title", "Plan"),
        ("text", "DEADLINE: <2024-03-01 Fri>"),
        ("text", "Words."),
        ("list_item", "[ ] one"),
        ("list_item", "[x] two"),
        ("list_item", "three"),
        ("list_item", "4. four"),
        ("list_item", "5. five 10⁶"),
    ]


def test_numbers_and_captions_of_restructured_text(read):
    source = "Steps\n\n3. three\n4. four\n\na) x\n\n- dot\n\n.. figure:: b.png\n\n   The pier.\n"
    assert read("a.rst", source) == [
        ("text", "Steps"),
        ("list_item", "3. three"),
        ("list_item", "4. four"),
        ("list_item", "a. x"),
        ("list_item", "dot"),
        ("text", "The pier."),
    ]


def test_what_restructured_text_says_of_programs_is_kept(read):
    source = """
.. py:function:: read(path, *parts, **more_)

   Reads it. See :ref:`the guide <guide>`, :py:class:`~shelf.Book` and :pep:`8`.

   .. versionadded:: 3.1
      The parts.

   .. deprecated:: 3.8

.. class:: Book(Thing)

   A book.

.. class:: small

Small print.

.. c:function:: int close(void)

   Closes it.
"""
    assert [text for _, text in read("a.rst", source)] == [
        "read(path, *parts, **more_)",
        "Reads it. See the guide, shelf.Book and PEP 8.",
        "Added in version 3.1: The parts.",
        "Deprecated since version 3.8:",
        "Book(Thing)",
        "A book.",
        "Small print.",
        "int close(void)",
        "Closes it.",
    ]


@pytest.mark.parametrize("text", [":" * 50_000, f":a:`{' x' * 30_000}", f".. {'a:' * 30_000}"])
def test_marks_that_end_nowhere_take_no_time(text):
    began = time.process_time()
    assert rst.prepared(text) == text
    assert time.process_time() - began < 1


def test_what_is_struck_in_rich_text_does_not_run_into_what_follows(read):
    source = r"{\rtf1\ansi Price {\strike 100}80, 10{\super 1.5}\par}"
    assert read("a.rtf", source) == [("text", "Price 100 80, 10^1.5")]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        (r"\pard\ls1\ilvl0 one\par\pard\ls1\ilvl0two\par", ["one", "two"]),
        (r"A {\upr{Caf?}{\*\ud{Caf\u233 ?}}} of {\upr{Z?}{\*\ud{Z\u252 ?}}}\par", ["A Café of Zü"]),
        (r"10{\upr{5{\b 6}}{\*\ud{7}}}\par", ["1056"]),
    ],
)
def test_no_words_of_rich_text_are_lost_or_said_twice(read, source, found):
    assert [text for _, text in read("a.rtf", rf"{{\rtf1\ansi {source}}}")] == found


def test_rows_of_rich_text_that_are_all_like_the_first_and_tables_in_cells(read):
    row = r"\pard\intbl {}\cell {}\cell\row".format
    rows = (
        rf"\trowd\cellx1000\cellx2000{row('Year', 'Sales')}{row('2024', '10')}{row('2025', '12')}"
    )
    inner = r"\pard\intbl\itap2 3\nestcell 4\nestcell{\*\nesttableprops\trowd\nestrow}\itap1"
    more = rf"\trowd\cellx1000\cellx2000{row(inner, 'b')}{row('c', 'd')}"
    assert read("a.rtf", rf"{{\rtf1\ansi {rows}\pard Then \\row\par{more}\pard End\par}}") == [
        ("table", "Year | Sales\n2024 | 10\n2025 | 12"),
        ("text", r"Then \row"),
        ("table", "3 4 | b\nc | d"),
        ("text", "End"),
    ]
