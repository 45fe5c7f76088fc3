"""Markdown, parsed by the CommonMark specification; inline markup is removed."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from pyromark import Options, events
from unstructured.documents.elements import Element, Title

from documents.extraction import build
from documents.extraction.encodings import text_of
from documents.extraction.reading import Reading
from documents.extraction.superscripts import superscript_last
from documents.extraction.web import reader as web

_OPTIONS = (
    Options.ENABLE_TABLES
    | Options.ENABLE_FOOTNOTES
    | Options.ENABLE_STRIKETHROUGH
    | Options.ENABLE_TASKLISTS
    | Options.ENABLE_MATH
)
# Lines of keys and values between rulers (front matter); anything else there could be text.
_MATTER = re.compile(
    r"\A---[ \t]*\n(?:(?:[\w\"'.-]+[ \t]*:|[ \t#}\]]|-[ \t])[^\n]*\n|\n)*+"
    r"(?:---|\.\.\.)[ \t]*(?:\n|\Z)"
)
# Its title, unless that spans several lines.
_TITLE = re.compile(
    r"""^title[ \t]*:[ \t]*(["']?)(?![>|&*!{\["'])(\S.*?)\1[ \t]*$""", re.MULTILINE | re.IGNORECASE
)
_ANCHOR = re.compile(r"\{:?\s*[#.][^{}]*\}$")
_BREAK = re.compile(r"<br\b", re.IGNORECASE)
_BLOCKS = frozenset({
    "BlockQuote", "CodeBlock", "FootnoteDefinition", "Heading", "HtmlBlock", "Item", "List",
    "Paragraph", "Table",
})  # fmt: skip
_NOWHERE = 1 << 30  # no index into the texts of a line
_PLAIN = (build.paragraph, "")


def read_markdown(reading: Reading) -> Iterator[Element]:
    text = text_of(reading)
    matter = _MATTER.match(text)
    title = _TITLE.search(matter[0]) if matter else None
    elements = elements_of(text[matter.end() :] if matter else text)
    if title is not None:
        elements = iter(found := list(elements))
        if not any(map(_is_main_heading, found)):
            yield build.title(title[2], 1)
    yield from elements


def _is_main_heading(element: Element) -> bool:
    return isinstance(element, Title) and not element.metadata.category_depth


def elements_of(text: str) -> Iterator[Element]:
    walker = _Walker()
    event: Any
    for event in events(text, options=_OPTIONS):
        if type(event) is dict:
            walker.take(*event.popitem())
        elif event != "Rule":
            walker.add("\n")
        if walker.found:
            yield from walker.found
            walker.found = []


class _Walker:
    """Gathers the text of a line until a block begins or ends."""

    def __init__(self) -> None:
        self.found: list[Element] = []
        self._texts: list[str] = []
        self.add = self._texts.append
        self._rows: list[list[str]] = []
        self._cells: list[str] = []
        self._numbers: list[int | None] = []  # number of the next item of each open list
        self._raised = _NOWHERE  # where superscript text began
        self._lead = _PLAIN  # what the next paragraph is, and what precedes it
        self._takers: dict[str, Callable[[Any], None]] = {
            "Start": self._start,
            "End": self._end,
            "Code": self.add,
            "Html": self.add,
            "InlineHtml": self._tag,
            "InlineMath": lambda formula: self.add(f"${formula}$"),
            "DisplayMath": lambda formula: self.add(f"$${formula}$$"),
            "FootnoteReference": lambda name: self.add(f"[{name}]"),
            "TaskListMarker": lambda done: self.add("[x] " if done else "[ ] "),
        }

    def take(self, kind: str, value: Any) -> None:
        if kind == "Text":  # nearly half of the events
            self.add(value)
        else:
            self._takers[kind](value)

    def _tag(self, html: str) -> None:
        if _BREAK.match(html):
            self.add("\n")
        elif html == "<sup>":
            self._raised = len(self._texts)
        elif html == "</sup>":
            superscript_last(self._texts, self._raised)
            self._raised = _NOWHERE

    def _start(self, tag: Any) -> None:
        name, value = _named(tag)
        if name not in _BLOCKS:
            return
        self._flush()
        if name == "Item":
            self._lead = (build.list_item, self._number())
        elif name == "FootnoteDefinition":
            self._lead = (build.paragraph, f"[{value}] ")
        elif name != "Paragraph":
            self._lead = _PLAIN
        if name == "List":
            self._numbers.append(value)

    def _number(self) -> str:
        number = self._numbers[-1]
        if number is None:
            return ""
        self._numbers[-1] = number + 1
        return f"{number}. "

    def _end(self, tag: Any) -> None:
        name, value = _named(tag)
        if name == "Heading":
            text = _ANCHOR.sub("", self._taken())
            self.found.append(build.title(text, int(value[1])))
        elif name == "CodeBlock":
            self.found.append(build.code(self._taken()))
        elif name == "HtmlBlock":
            self.found += web.elements_of(self._taken())
        elif name.startswith("Table"):
            self._end_of_table(name)
        elif name in _BLOCKS:
            self._flush()
            if name == "List":
                self._numbers.pop()

    def _end_of_table(self, name: str) -> None:
        if name == "TableCell":
            self._cells.append(self._taken())
        elif name != "Table":
            self._rows.append(self._cells)
            self._cells = []
        else:
            made = build.table(self._rows, header=True)
            self._rows = []
            self.found += [made] if made is not None else []

    def _taken(self) -> str:
        text = "".join(self._texts)
        self._texts.clear()
        return text

    def _flush(self) -> None:
        """The gathered text as a paragraph or list item."""
        if self._texts:
            make, before = self._lead
            self.found.append(make(before + self._taken()))
            self._lead = _PLAIN


def _named(tag: Any) -> tuple[str, Any]:
    """The tag's name and its attributes."""
    return (tag, None) if type(tag) is str else tag.popitem()
