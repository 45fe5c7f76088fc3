import json

import pytest

from documents.tests.files import parts_of
from documents.tests.reading import extract


def read(tmp_path, cells, **more):
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": cells, "nbformat": 4, "metadata": {}} | more))
    return parts_of(extract(path))


def code(source, *outputs):
    return {"cell_type": "code", "source": source, "outputs": outputs}


def shown(**data):
    named = {name.replace("_", "/", 1): said for name, said in data.items()}
    return {"output_type": "execute_result", "data": named}


def test_cells_are_markdown_and_programs(tmp_path):
    words = {
        "cell_type": "markdown",
        "source": ["# Rain\n", "\n", "Some *words*.\n", "\n", "- one"],
    }
    raw = {"cell_type": "raw", "source": "As it is"}
    assert read(tmp_path, [words, code(["a = 1\n", "if a:\n", "    print(a)"]), raw]) == [
        ("title", "Rain"),
        ("text", "Some words."),
        ("list_item", "one"),
        ("code", "a = 1\nif a:\n    print(a)"),
        ("text", "As it is"),
    ]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"output_type": "stream", "text": ["one\n", "two\n"]}, [("code", "one\ntwo")]),
        ({"output_type": "stream", "text": "10%\r50%\r100%\r\nend\n"}, [("code", "100%\nend")]),
        ({"output_type": "stream", "text": "\x1b[1;31mred\x1b[0m"}, [("code", "red")]),
        ({"output_type": "error", "ename": "E", "evalue": "no"}, [("code", "E: no")]),
        (shown(text_plain="42"), [("code", "42")]),
        (shown(text_plain="<Figure size 1x1>", image_png="iVBO"), []),
        (shown(text_plain="T", text_html="<table><tr><td>a<td>b</table>"), [("table", "a | b")]),
        (shown(text_plain="<M>", text_markdown=["**so**"]), [("text", "so")]),
    ],
)  # fmt: skip
def test_what_a_program_wrote_follows_it(tmp_path, output, said):
    assert read(tmp_path, [code("run()", output)]) == [("code", "run()"), *said]


def test_notebooks_of_version_3_have_their_cells_in_sheets(tmp_path):
    heading = {"cell_type": "heading", "level": 2, "source": ["Old"]}
    old = {"cell_type": "code", "input": ["1 + 1"], "outputs": [{"text": ["2"]}]}
    sheets = [{"cells": [heading, old]}]
    assert read(tmp_path, [], worksheets=sheets) == [
        ("title", "Old"),
        ("code", "1 + 1"),
        ("code", "2"),
    ]


@pytest.mark.parametrize("source", ['{"cells": [1, "a"]}', "[1]", '{"a": {"b": 1', "just text"])
def test_what_is_no_notebook_is_read_as_the_text_it_is(tmp_path, source):
    path = tmp_path / "a.ipynb"
    path.write_text(source)
    assert [kind for kind, _ in parts_of(extract(path))] == ["code"]
