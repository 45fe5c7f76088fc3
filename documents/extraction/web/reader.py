"""Web pages, and everything that can be converted to HTML."""

import re
from collections.abc import Callable, Iterator
from itertools import chain, groupby

from lxml import etree
from unstructured.documents.elements import Element, NarrativeText, Title

from documents.extraction import build
from documents.extraction.encodings import decoded
from documents.extraction.mathml import formula
from documents.extraction.reading import Reading
from documents.extraction.superscripts import on_the_line
from documents.extraction.trees import html_tree, room_for_depth
from documents.extraction.web.headings import could_be_heading, is_bold, level_of
from documents.extraction.web.lists import Numbers, leads_to_languages, numbered
from documents.extraction.web.main_content import heading_above, main_part, open_wrappers
from documents.extraction.web.styles import apply_list_styles
from documents.extraction.web.tables import Cell, is_item, laid_out, span, taken_out
from documents.extraction.web.text import (
    BLOCKS,
    DROPPED,
    caption_of,
    is_hidden,
    mark,
    mark_of,
    said_of,
    tag_of,
    text_of,
)

_NOTE_MARK = frozenset({"doc-noteref", "noteref"})
_EPUB_TYPE = "{http://www.idpf.org/2007/ops}type"
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_NOT_DATA = tuple(f"{{*}}{tag}" for tag in ("table", "pre", *_HEADINGS))
_LISTS = frozenset({"ul", "ol"})
_NAMING = ("{*}th", "{*}thead", "{*}caption")  # which layout tables don't have
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_BLANKS = re.compile(r"\s+")
_BREAK = "\x00"  # a line break in the gathered texts, whose own line breaks are mere blanks
_TITLE = re.compile(r"\w\s+\w|^\s*\w+\s*$")  # not a file name
_CELL_OF_LAYOUT = 600
_WIDEST, _HIGHEST = 1_000, 65_534  # columns and rows that a cell may span in HTML


def read_html(reading: Reading) -> Iterator[Element]:
    data = reading.path.read_bytes()
    yield from elements_of(decoded(reading, data, declared_charset(data)))


def declared_charset(data: bytes) -> str:
    """The encoding that a page declares itself, or ""."""
    declared = _CHARSET.search(data[:4096])
    return declared[1].decode("ascii", "replace") if declared else ""


def elements_of(html: str) -> Iterator[Element]:
    """The elements of an HTML document or fragment. Raises TooComplex."""
    yield from elements_of_tree(parsed(html))


def parsed(html: str) -> etree._Element:
    """The tree of an HTML document or fragment, perhaps empty. Raises TooComplex."""
    return html_tree(_DECLARATION.sub("", html.replace("\x00", "")).strip())


def elements_of_tree(root: etree._Element, *, headline: bool = True) -> Iterator[Element]:
    """The elements of a parsed (X)HTML tree, with or without namespaces.

    With `headline`, a page without a main heading gets its `title`.
    """
    named = root.find(".//{*}title") if headline and root.find(".//{*}h1") is None else None
    if named is not None and _TITLE.search(named.text or ""):
        yield build.title(_BLANKS.sub(" ", named.text or ""), 1)
    apply_list_styles(root)
    open_wrappers(root)
    walker = _Walker()
    main = main_part(root)
    with room_for_depth():
        for heading in heading_above(root, main):
            walker.block(heading)
        walker.block(main)
    yield from walker.found


class _Walker:
    """Walks a tree in order, gathering inline text until a block begins or ends."""

    def __init__(self) -> None:
        self.found: list[Element] = []
        self._texts: list[str] = []
        self._bold = self._plain = 0  # pieces of text so far, without blank ones
        self._lists: list[Numbers] = []  # open lists
        self._caption = ""  # of the open figure

    def block(self, node: etree._Element) -> None:
        tag = tag_of(node)
        self.flush()
        if tag in _HEADINGS:
            self._leaf(node, lambda text: build.title(text, _HEADINGS[tag]))
        elif tag == "pre":
            self._code(node)
        elif tag == "table":
            self._table(node)
        elif tag == "li":
            self._item(node)
        elif tag in _LISTS:
            if leads_to_languages(node):
                return
            self._lists.append(Numbers(node, ordered=tag == "ol"))
            self._children(node, bold=False)
            self._lists.pop()
        elif tag == "figure":
            self._figure(node)
        else:
            self._children(node, bold=is_bold(node, tag))
        self.flush()

    def _children(self, node: etree._Element, *, bold: bool) -> None:
        self._add(node.text, bold=bold)
        for child in node:
            self._child(child, bold=bold)
            self._add(child.tail, bold=bold)

    def _child(self, child: etree._Element, *, bold: bool) -> None:
        tag = tag_of(child)
        if not tag or tag in DROPPED or is_hidden(child):
            return
        if tag == "br":
            self._texts.append(_BREAK)
        elif tag == "math":
            self._add(formula(child), bold=bold)
        elif tag == "img":
            self._picture(child)
        elif tag in BLOCKS:
            self.block(child)
        elif kind := mark_of(child, tag):
            start = len(self._texts)
            self._children(child, bold=bold)
            mark(child, kind, self._texts, start)
        elif tag == "a" and _NOTE_MARK & {child.get("role"), child.get(_EPUB_TYPE)}:
            self._add(f"[{on_the_line(text_of(child)).strip('[] ')}]", bold=bold)
        else:
            self._children(child, bold=bold or is_bold(child, tag))

    def _add(self, text: str | None, *, bold: bool) -> None:
        if not text:
            return
        self._texts.append(text)
        if bold:
            self._bold += not text.isspace()
        else:
            self._plain += not text.isspace()

    def _take(self) -> tuple[str, bool]:
        """The gathered text, and whether all of it is bold."""
        text, bold = _lines("".join(self._texts)), self._bold > 0 and self._plain == 0
        self._texts, self._bold, self._plain = [], 0, 0
        return text, bold

    def flush(self) -> None:
        text, bold = self._take()
        if not text:
            return
        if bold and could_be_heading(text):
            self.found.append(build.title(text, level_of(text)))
        else:
            self.found.append(build.paragraph(text))

    def _leaf(self, node: etree._Element, make: Callable[[str], Element]) -> None:
        text = _BLANKS.sub(" ", text_of(node)).strip()
        if not text and (button := node.find(".//{*}button")) is not None:  # opens what is below
            text = _BLANKS.sub(" ", text_of(button)).strip()
        if text:
            self.found.append(make(text))

    def _code(self, node: etree._Element) -> None:
        text = text_of(node)
        if text.strip():
            self.found.append(build.code(text))

    def _picture(self, node: etree._Element) -> None:
        said = said_of(node)
        if not self._caption or " ".join(said.split()) != self._caption:
            self._add(said, bold=False)

    def _figure(self, node: etree._Element) -> None:
        """A figure with its caption, which pandoc and others also use as the image's
        description."""
        outer, self._caption = self._caption, caption_of(node)
        self._children(node, bold=False)
        self.flush()
        self._caption = outer

    def _item(self, node: etree._Element) -> None:
        """A list item: what precedes its first block is the item, the blocks are separate
        elements."""
        at, number = len(self.found), self._lists[-1].before(node) if self._lists else ""
        self._children(node, bold=False)
        text, _ = self._take()
        if text:
            is_first = len(self.found) == at
            self.found.append((build.paragraph if is_first else build.list_item)(text))
        first = self.found[at] if len(self.found) > at else None
        if type(first) is NarrativeText:
            self.found[at] = build.list_item(numbered(number, first.text))
        elif type(first) is Title:
            first.text = numbered(number, first.text)

    def _table(self, node: etree._Element) -> None:
        inner = taken_out(node)
        groups = [] if _holds_blocks(node) else list(_groups(node))
        rows = list(chain.from_iterable(groups))
        if _is_layout(node, rows):
            for child in node:
                self._child(child, bold=False)
            return
        caption = node.find("{*}caption")
        if caption is not None:
            self._leaf(caption, build.paragraph)
        texts = laid_out([[list(map(_cell, row)) for row in group] for group in groups])
        if all(is_item(row) for row in texts if any(row)):
            self.found.extend(build.list_item(" ".join(filter(None, row))) for row in texts)
            return
        first = rows[0] if rows else []
        named = bool(first) and all(tag_of(cell) == "th" for cell in first)
        made = build.table(texts, header=True if named else None)
        if made is not None:
            self.found.append(made)
        for table in inner:
            self._child(table, bold=False)


def _groups(table: etree._Element) -> Iterator[list[list[etree._Element]]]:
    """The cells by row, grouped by head, body and foot, which cells can't span."""
    for _, rows in groupby(table.iter("{*}tr"), etree._Element.getparent):
        yield [list(_cells(row)) for row in rows]


def _cell(node: etree._Element) -> Cell:
    text = _BLANKS.sub(" ", text_of(node)).strip()
    if not node.attrib:
        return Cell(text)
    across, down = node.get("colspan"), node.get("rowspan")
    return Cell(text, span(across, 1, _WIDEST), span(down, _HIGHEST, _HIGHEST))


def _lines(text: str) -> str:
    """Gathered text with runs of blanks collapsed; only `br` breaks lines."""
    if _BREAK not in text:
        return " ".join(text.split())
    return "\n".join(" ".join(line.split()) for line in text.split(_BREAK)).strip()


def _cells(row: etree._Element) -> Iterator[etree._Element]:
    for cell in row:
        if tag_of(cell) in {"td", "th"} and not is_hidden(cell):
            yield cell


def _holds_blocks(table: etree._Element) -> bool:
    """Whether cells contain more than text; lists count unless rows or columns have names.

    Stops at the first match: tables may be deeply nested.
    """
    if next(table.iterdescendants(*_NOT_DATA), None) is not None:
        return True
    lists = next(table.iterdescendants("{*}ul", "{*}ol"), None)
    return lists is not None and next(table.iterdescendants(*_NAMING), None) is None


def _is_layout(table: etree._Element, rows: list[list[etree._Element]]) -> bool:
    """Whether the table is only for layout: it has no rows, one column or long cells."""
    if table.get("role") == "presentation":
        return True
    if max(map(len, rows), default=0) < 2:
        return True
    cells = chain.from_iterable(rows)
    long = (cell for cell in cells if len("".join(cell.itertext())) > _CELL_OF_LAYOUT)
    return any(len(text_of(cell)) > _CELL_OF_LAYOUT for cell in long)  # without style sheets
