"""Web pages, and everything that can be turned into one."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from lxml import etree
from unstructured.documents.elements import Element, NarrativeText

from documents.extraction import parts
from documents.extraction.mathml import formula
from documents.extraction.reading import Reading
from documents.extraction.text import decoded
from documents.extraction.trees import html_tree, room_for_depth
from documents.extraction.web_tables import is_item, joined_units, without_spacers

_DROPPED = frozenset({
    "script", "style", "noscript", "template", "svg", "nav", "head", "iframe", "object", "embed",
    "select", "button", "input", "textarea", "audio", "video", "canvas", "map", "header:ix",
    "hidden:ix",
})  # fmt: skip
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5",
    "h6", "header", "hr", "html", "legend", "li", "main", "ol", "p", "pre", "section", "summary",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
})  # fmt: skip
_FURNITURE = frozenset({"navigation", "search", "banner", "menu", "doc-backlink"})  # ARIA roles
_NOTE_MARK = frozenset({"doc-noteref", "noteref"})
_EPUB_TYPE = "{http://www.idpf.org/2007/ops}type"
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_NOT_DATA = tuple(f"{{*}}{tag}" for tag in ("table", "ul", "ol", "pre", *_HEADINGS))
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_BOLD = re.compile(r"font-weight\s*:\s*(bold|[6-9]00)", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>")
_DISPLAYED = re.compile(r"\A\{\\displaystyle (.*)\}\Z", re.DOTALL)  # formulas of MediaWiki
_BLANKS = re.compile(r"\s+")
_BREAK = "\x00"  # a line break among the gathered texts, whose own are blanks
_PART = re.compile(
    r"(?:(part|chapter|book)|(item|section|article|appendix|note))\s+[\divxlc]+[a-z]?\b",
    re.IGNORECASE,
)
_TITLE = re.compile(r"\w\s+\w|^\s*\w+\s*$")  # not the name of a file
_LONGEST_HEADING = 150
_CELL_OF_LAYOUT = 600


def read_html(reading: Reading) -> Iterator[Element]:
    data = reading.path.read_bytes()
    yield from elements_of(decoded(reading, data, declared_charset(data)))


def declared_charset(data: bytes) -> str:
    """The encoding that a page names itself, or ""."""
    declared = _CHARSET.search(data[:4096])
    return declared[1].decode("ascii", "replace") if declared else ""


def elements_of(html: str) -> Iterator[Element]:
    """The elements of an HTML document or fragment. Raises TooComplex."""
    yield from elements_of_tree(parsed(html))


def parsed(html: str) -> etree._Element:
    """The tree of an HTML document or fragment, perhaps empty. Raises TooComplex."""
    return html_tree(_DECLARATION.sub("", html.replace("\x00", "")).strip())


def elements_of_tree(root: etree._Element, *, headline: bool = True) -> Iterator[Element]:
    """The elements of a parsed (X)HTML tree, namespaces or not.

    With `headline`, a page without a main heading gets the one its window shows.
    """
    named = root.find(".//{*}title") if headline and root.find(".//{*}h1") is None else None
    if named is not None and _TITLE.search(named.text or ""):
        yield parts.title(_BLANKS.sub(" ", named.text or ""), 1)
    walker = _Walker()
    with room_for_depth():
        walker.block(_main_part(root))
    yield from walker.found


def _main_part(root: etree._Element) -> etree._Element:
    """The page's `main` element when it holds most of the text."""
    mains = root.findall(".//{*}main")
    if len(mains) != 1:
        return root
    inside, everything = (len("".join(node.itertext())) for node in (mains[0], root))
    return mains[0] if inside * 2 > everything else root


def _tag(node: etree._Element) -> str:
    """Local name in lower case; "" for what is no element. iXBRL's become `name:ix`."""
    tag = node.tag
    return _name(tag) if isinstance(tag, str) else ""


@lru_cache(1024)
def _name(tag: str) -> str:
    name = tag.rpartition("}")[2].lower()
    return f"{name[3:]}:ix" if name.startswith("ix:") else name


class _Walker:
    """Walks a tree in order, gathering inline text until a block begins or ends."""

    def __init__(self) -> None:
        self.found: list[Element] = []
        self._texts: list[str] = []
        self._bold = self._plain = 0  # pieces gathered so

    def block(self, node: etree._Element) -> None:
        tag = _tag(node)
        self.flush()
        if tag in _HEADINGS:
            self._leaf(node, lambda text: parts.title(text, _HEADINGS[tag]))
        elif tag == "pre":
            self._code(node)
        elif tag == "table":
            self._table(node)
        elif tag == "li":
            self._item(node)
        else:
            self._children(node, bold=_is_bold(node, tag))
        self.flush()

    def _children(self, node: etree._Element, *, bold: bool) -> None:
        self._add(node.text, bold=bold)
        for child in node:
            self._child(child, bold=bold)
            self._add(child.tail, bold=bold)

    def _child(self, child: etree._Element, *, bold: bool) -> None:
        tag = _tag(child)
        if not tag or tag in _DROPPED or _is_hidden(child):
            return
        if tag == "br":
            self._texts.append(_BREAK)
        elif tag == "math":
            self._add(formula(child), bold=bold)
        elif tag == "img":
            self._add(_DISPLAYED.sub(r"\1", child.get("alt", "")), bold=False)
        elif tag in _BLOCKS:
            self.block(child)
        elif tag == "a" and _NOTE_MARK & {child.get("role"), child.get(_EPUB_TYPE)}:
            self._add(f"[{_text(child).strip('[] ')}]", bold=bold)
        else:
            self._children(child, bold=bold or _is_bold(child, tag))

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
        if bold and _could_be_heading(text):
            self.found.append(parts.title(text, _level(text)))
        else:
            self.found.append(parts.paragraph(text))

    def _leaf(self, node: etree._Element, make: Callable[[str], Element]) -> None:
        text = _BLANKS.sub(" ", _text(node)).strip()
        if text:
            self.found.append(make(text))

    def _code(self, node: etree._Element) -> None:
        text = _text(node)
        if text.strip():
            self.found.append(parts.code(text))

    def _item(self, node: etree._Element) -> None:
        """A list item: what comes before its first block is the item, the rest are its own."""
        at = len(self.found)
        self._children(node, bold=False)
        text, _ = self._take()
        if text:
            self.found.append(parts.list_item(text))
        if at < len(self.found) and type(self.found[at]) is NarrativeText:
            self.found[at] = parts.list_item(self.found[at].text)

    def _table(self, node: etree._Element) -> None:
        rows = [] if _holds_blocks(node) else [list(_cells(row)) for row in node.iter("{*}tr")]
        if _is_layout(node, rows):
            for child in node:
                self._child(child, bold=False)
            return
        caption = node.find("{*}caption")
        if caption is not None:
            self._leaf(caption, parts.paragraph)
        texts = [[_BLANKS.sub(" ", _text(cell)).strip() for cell in row] for row in rows]
        texts = without_spacers([joined_units(row) for row in texts])
        if all(is_item(row) for row in texts):
            self.found.extend(parts.list_item(" ".join(filter(None, row))) for row in texts)
            return
        first = rows[0] if rows else []
        named = bool(first) and all(_tag(cell) == "th" for cell in first)
        made = parts.table(texts, header=True if named else None)
        if made is not None:
            self.found.append(made)


def _lines(text: str) -> str:
    """Gathered text with each run of blanks as one; lines end at breaks alone."""
    if _BREAK not in text:
        return " ".join(text.split())
    return "\n".join(" ".join(line.split()) for line in text.split(_BREAK)).strip()


def _cells(row: etree._Element) -> Iterator[etree._Element]:
    for cell in row:
        if _tag(cell) in {"td", "th"} and not _is_hidden(cell):
            yield cell


def _holds_blocks(table: etree._Element) -> bool:
    """Whether there is more than text in its cells. Stops at the first: tables may nest deeply."""
    return next(table.iterdescendants(*_NOT_DATA), None) is not None


def _is_layout(table: etree._Element, rows: list[list[etree._Element]]) -> bool:
    """Whether the table only arranges the page: it has no rows, one column or long cells."""
    if table.get("role") == "presentation":
        return True
    if max(map(len, rows), default=0) < 2:
        return True
    return any(len("".join(cell.itertext())) > _CELL_OF_LAYOUT for row in rows for cell in row)


def _text(node: etree._Element) -> str:
    """All visible text under a node; line breaks kept, blocks parted by a blank."""
    texts: list[str] = []
    _gather(node, texts)
    return "".join(texts)


def _gather(node: etree._Element, texts: list[str]) -> None:
    texts.append(node.text or "")
    for child in node:
        tag = _tag(child)
        if tag == "br":
            texts.append("\n")
        elif tag == "math":
            texts.append(formula(child))
        elif tag and tag not in _DROPPED and not _is_hidden(child):
            apart = " " if tag in _BLOCKS else ""
            texts.append(apart)
            _gather(child, texts)
            texts.append(apart)
        texts.append(child.tail or "")


def _is_hidden(node: etree._Element) -> bool:
    if not node.attrib:
        return False
    style = node.get("style")
    if node.get("hidden") is not None or node.get("role") in _FURNITURE:
        return True
    return bool(style and _HIDDEN.search(style))


def _is_bold(node: etree._Element, tag: str) -> bool:
    style = node.get("style")
    return tag in {"b", "strong"} or bool(style and _BOLD.search(style))


def _could_be_heading(text: str) -> bool:
    return (
        len(text) <= _LONGEST_HEADING
        and text.count("\n") < 2
        and any(char.isalpha() for char in text)
        and text[0] not in "(*"
        and text[-1] not in ".,;:。，；："
    )


def _level(text: str) -> int:
    """The level of a heading that is only bold: parts, then items, then the others."""
    match = _PART.match(text)
    if match is None:
        return 5
    return 3 if match[1] else 4
