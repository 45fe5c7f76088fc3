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
