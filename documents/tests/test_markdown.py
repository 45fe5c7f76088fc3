import pytest

from documents.tests.reading import extract


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
tags:
- x
---
Title
=====
See [the *docs*](http://a.b/c_(d)) and `code_<marks>`, not snake_case_names &amp; <me@a.b>.

1. First
1. Second
   * [x] inner `<br>`

   more

```python
x = 1

y = 2
```

| Name | **Age** |
|------|---------|
| Ann  | 4<br>0  |

<!-- a comment -->

> Costs $5, so $a_1*b_2*c$ holds[^n].

## Part *two* {#two}
[^n]: The ![picture
  of it](p.png).

<div><p>Raw <b>HTML</b></p></div>
"""
    assert read("a.md", source) == [
        ("title", "Title"),
        ("text", "See the docs and code_<marks>, not snake_case_names & me@a.b."),
        ("list_item", "1. First"),
        ("list_item", "2. Second"),
        ("list_item", "[x] inner <br>"),
        ("text", "more"),
        ("code", "x = 1\n\ny = 2"),
        ("table", "Name | Age\nAnn | 4 0"),
        ("text", "Costs $5, so $a_1*b_2*c$ holds[n]."),
        ("title", "Part two"),
        ("text", "[n] The picture\nof it."),
        ("text", "Raw HTML"),
    ]


def test_what_only_looks_like_front_matter_is_text(read):
    assert read("a.md", "---\nA text\n\n---\nbetween rulers\n") == [
        ("text", "A text"),
        ("text", "between rulers"),
    ]


@pytest.mark.parametrize(
    ("matter", "body", "titles"),
    [
        ("date: 2024-05-01\ntitle: On bees", "## Hives", ["On bees", "Hives"]),
        ('title: "Bees: a life"', "Words\n\n```sh\n# keep\n```", ["Bees: a life"]),
        ("title: On bees", "# About bees", ["About bees"]),
        ("title: On bees", "About bees\n===", ["About bees"]),
        ("title: >-\n  On bees", "Words", []),
        ("title:\ntags: [a]", "Words", []),
        ("subtitle: On bees", "Words", []),
    ],
)
def test_the_title_in_the_front_matter_stands_for_a_main_heading(read, matter, body, titles):
    found = read("a.md", f"---\n{matter}\n---\n\n{body}\n")
    assert [text for kind, text in found if kind == "title"] == titles
    assert "2024" not in str(found)


def test_raised_signs_do_not_run_on(read):
    source = "10<sup>6</sup> m<sup>2</sup>, 1<sup>st</sup> of 5</sup>\n\n5</sup>\n"
    assert read("a.md", source) == [("text", "10⁶ m², 1st of 5"), ("text", "5")]
