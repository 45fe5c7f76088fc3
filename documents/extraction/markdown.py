"""Markdown: blocks parsed by the book, marks inside a line only taken off, which is fast."""

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from unstructured.documents.elements import Element

from documents.extraction import parts, web
from documents.extraction.reading import Reading
from documents.extraction.text import text_of

_PARSER = MarkdownIt("commonmark").enable("table").disable("inline")
_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL)
_MARKS: list[tuple[re.Pattern[str], str]] = [
    (re.compile(r"!\[([^\]\n]*)\]\([^)\n]*\)"), r"\1"),  # image
    (re.compile(r"\[([^\]\n]*)\]\((?:[^()\n]|\([^()\n]*\))*\)"), r"\1"),  # link
    (re.compile(r"\[([^\]\n]+)\]\[[^\]\n]*\]"), r"\1"),  # link by reference
    (re.compile(r"<((?:https?|mailto):[^>\s]+)>"), r"\1"),
    (re.compile(r"</?[a-zA-Z][^<>\n]*>|<!--.*?-->"), ""),
    (re.compile(r"(\*{1,3}|~~)(?=\S)([^*~\n]+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<!\w)(_{1,3})(?=\S)([^_\n]+?)(?<=\S)\1(?!\w)"), r"\2"),
    (re.compile(r"(`+)([^`]+)\1"), r"\2"),
    (re.compile(r"\\([!-/:-@\[-`{-~])"), r"\1"),
]
_MARKED = re.compile(r"[*_`\[\\<~]")


def read_markdown(reading: Reading) -> Iterator[Element]:
    tokens = _PARSER.parse(_MATTER.sub("", text_of(reading), count=1))
    rows: list[list[str]] = []
    for at, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "table_close":
            made = parts.table(rows, header=True)
            rows = []
            if made is not None:
                yield made
        elif token.type == "inline" and rows:
            rows[-1].append(plain(token.content))
        else:
            yield from _elements(tokens, at)


def _elements(tokens: Sequence[Token], at: int) -> Iterator[Element]:
    token = tokens[at]
    if token.type in {"fence", "code_block"}:
        yield parts.code(token.content)
    elif token.type == "html_block":
        yield from web.elements_of(token.content)
    elif token.type == "inline":
        text, opened = plain(token.content), tokens[at - 1]
        if opened.type == "heading_open":
            yield parts.title(text, int(opened.tag[1]))
        elif at > 1 and tokens[at - 2].type == "list_item_open":
            yield parts.list_item(_marker(tokens[at - 2]) + text)
        else:
            yield parts.paragraph(text)


def _marker(item: Token) -> str:
    return f"{item.info}. " if item.info else ""


def plain(text: str) -> str:
    """A line without its emphasis, links, code marks and tags."""
    if not _MARKED.search(text):
        return text
    for pattern, replacement in _MARKS:
        text = pattern.sub(replacement, text)
    return text
