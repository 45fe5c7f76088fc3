"""Word documents, by walking the body in order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree
from unstructured.documents.elements import Element

from documents.extraction import parts
from documents.extraction.packages import Package, local_name, opened
from documents.extraction.reading import Reading

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_HEADING = re.compile(r"heading (\d)$", re.IGNORECASE)
_BODY_LEVEL = 9  # Word's outline level of body text, counted from 0
# Not part of what is read: deleted or moved text, drawings' second rendering, field codes.
_SKIPPED = frozenset(
    {"del", "moveFrom", "Fallback", "instrText", "delText", "rPr", "pPr", "txbxContent"}
)
_LITERAL = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


@dataclass(slots=True)
class _Style:
    name: str = ""
    based_on: str = ""
    level: int | None = None  # 1-based outline level, 0 for body text
    listed: bool = False


@dataclass(slots=True)
class _Word:
    styles: dict[str, _Style] = field(default_factory=dict)
    notes: dict[str, etree._Element] = field(default_factory=dict)


def read_docx(reading: Reading) -> Iterator[Element]:
    with opened(reading.path) as package:
        main = package.main_part()
        root = package.xml(main)
        body = root.find(f"{_W}body") if root is not None else None
        if body is None:
            return
        word = _Word(_styles(package, main), _notes(package, main))
        yield from _margins(package, main, body, "header")
        yield from _body(reading, word, body)
        yield from _margins(package, main, body, "footer")


def _body(reading: Reading, word: _Word, body: etree._Element) -> Iterator[Element]:
    total = len(body)
    for done, block in enumerate(body, 1):
        yield from _block(word, block)
        reading.progress(done, total)


def _block(word: _Word, node: etree._Element) -> Iterator[Element]:
    tag = local_name(node)
    if tag == "p":
        yield from _paragraph(word, node)
    elif tag == "tbl":
        yield from _table(word, node)
    elif tag in {"sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag"}:
        for child in node:
            yield from _block(word, child)


def _paragraph(word: _Word, node: etree._Element) -> Iterator[Element]:
    text = _text(node)
    if text.strip():
        level, listed = _role(word, node)
        if level:
            yield parts.title(text, level)
        else:
            yield parts.list_item(text) if listed else parts.paragraph(text)
    for box in node.iter(f"{_W}txbxContent"):
        if not any(local_name(above) == "Fallback" for above in box.iterancestors()):
            for child in box:
                yield from _block(word, child)
    for kind in ("footnote", "endnote"):
        for reference in node.iter(f"{_W}{kind}Reference"):
            note = word.notes.get(kind + reference.get(f"{_W}id", ""))
            if note is not None and (content := _text(note).strip()):
                yield parts.paragraph(content)


def _role(word: _Word, node: etree._Element) -> tuple[int, bool]:
    """Heading level (0 for none) and whether it is an item of a list."""
    settings = node.find(f"{_W}pPr")
    if settings is None:
        return 0, False
    named = settings.find(f"{_W}pStyle")
    style = _resolved(word.styles, named.get(f"{_W}val", "") if named is not None else "")
    level, listed = _own_role(settings)
    return style.level or 0 if level is None else level, style.listed if listed is None else listed


def _own_role(settings: etree._Element) -> tuple[int | None, bool | None]:
    outline = settings.find(f"{_W}outlineLvl")
    number = settings.find(f"{_W}numPr/{_W}numId")
    level = _outline_level(outline) if outline is not None else None
    return level, None if number is None else number.get(f"{_W}val") != "0"


def _outline_level(outline: etree._Element) -> int:
    value = outline.get(f"{_W}val", "")
    return int(value) + 1 if value.isdigit() and int(value) < _BODY_LEVEL else 0


def _resolved(styles: dict[str, _Style], style_id: str) -> _Style:
    """A style with what it inherits."""
    result = _Style()
    for _ in range(20):  # a chain of styles may go in a circle
        style = styles.get(style_id)
        if style is None:
            break
        result.level = style.level if result.level is None else result.level
        result.listed = result.listed or style.listed
        style_id = style.based_on
    return result


def _styles(package: Package, main: str) -> dict[str, _Style]:
    found: dict[str, _Style] = {}
    for part in package.related_of(main, "styles"):
        root = package.xml(part)
        for node in root.iter(f"{_W}style") if root is not None else ():
            found[node.get(f"{_W}styleId", "")] = _style(node)
    return found


def _style(node: etree._Element) -> _Style:
    name, based_on = (_value(node, tag) for tag in ("name", "basedOn"))
    settings = node.find(f"{_W}pPr")
    level, listed = _own_role(settings) if settings is not None else (None, None)
    heading = _HEADING.match(name)
    if heading:
        level = int(heading[1])
    elif name.lower() in {"title", "subtitle"}:
        level = 1 if name.lower() == "title" else 2
    return _Style(name, based_on, level, bool(listed) or name.lower().startswith("list "))


def _value(node: etree._Element, tag: str) -> str:
    child = node.find(f"{_W}{tag}")
    return "" if child is None else str(child.get(f"{_W}val", ""))


def _notes(package: Package, main: str) -> dict[str, etree._Element]:
    return {
        kind + note.get(f"{_W}id", ""): note
        for kind in ("footnote", "endnote")
        for part in package.related_of(main, f"{kind}s")
        if (root := package.xml(part)) is not None
        for note in root.iter(f"{_W}{kind}")
        if note.get(f"{_W}type") is None  # the others are separator lines
    }


def _margins(package: Package, main: str, body: etree._Element, kind: str) -> Iterator[Element]:
    """The headers or footers that are shown, each text once."""
    seen, links = set(), package.related(main)
    for link in _shown(body, kind):
        root = package.xml(links[link][1]) if link in links else None
        for node in root.iter(f"{_W}p") if root is not None else ():
            text = " ".join(_text(node).split())
            if any(char.isalpha() for char in text) and text not in seen:
                seen.add(text)
                yield parts.paragraph(text)


def _shown(body: etree._Element, kind: str) -> Iterator[str]:
    """Ids of the sections' headers or footers; a first page's only where it has its own."""
    for section in body.iter(f"{_W}sectPr"):
        own_first = section.find(f"{_W}titlePg") is not None
        for reference in section.iter(f"{_W}{kind}Reference"):
            if own_first or reference.get(f"{_W}type") != "first":
                yield reference.get(f"{_R}id", "")


def _table(word: _Word, node: etree._Element) -> Iterator[Element]:
    rows = [list(_cells(row)) for row in _inside(node, "tr")]
    if max(map(len, rows), default=0) < 2:  # a frame around text rather than a table
        for row in rows:
            for cell in row:
                for child in cell:
                    yield from _block(word, child)
        return
    first = node.find(f"{_W}tr/{_W}trPr/{_W}tblHeader")
    texts = [[text for cell in row for text in _spanned(cell)] for row in rows]
    made = parts.table(texts, header=True if first is not None else None)
    if made is not None:
        yield made


def _inside(node: etree._Element, tag: str) -> Iterator[etree._Element]:
    """Rows of a table or cells of a row, also those wrapped in content controls."""
    for child in node:
        local = local_name(child)
        if local == tag:
            yield child
        elif local in {"sdt", "sdtContent", "customXml", "ins"}:
            yield from _inside(child, tag)


def _cells(row: etree._Element) -> Iterator[etree._Element]:
    yield from _inside(row, "tc")


def _spanned(cell: etree._Element) -> list[str]:
    """A cell's text, and an empty cell for each further column it covers."""
    settings = cell.find(f"{_W}tcPr")
    span, merged = 1, None
    if settings is not None:
        value = _value(settings, "gridSpan")
        span = min(int(value), 63) if value.isdigit() else 1
        merged = settings.find(f"{_W}vMerge")
    continues = merged is not None and merged.get(f"{_W}val") != "restart"
    text = "" if continues else " ".join(filter(None, map(_text, cell.iter(f"{_W}p"))))
    return [text, *[""] * (span - 1)]


def _text(node: etree._Element) -> str:
    texts: list[str] = []
    _gather(node, texts)
    return "".join(texts)


def _gather(node: etree._Element, texts: list[str]) -> None:
    for child in node:
        tag = local_name(child)
        if tag == "t":
            texts.append(child.text or "")
        elif tag in _LITERAL:
            texts.append(_LITERAL[tag])
        elif tag == "p" and texts:
            texts.append(" ")
            _gather(child, texts)
        elif tag not in _SKIPPED:
            _gather(child, texts)
