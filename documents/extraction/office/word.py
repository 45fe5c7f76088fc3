"""Word documents, read by walking the body in order."""

import re
from collections import Counter
from collections.abc import Iterator, Set
from dataclasses import dataclass, field
from email import message_from_bytes

from lxml import etree
from unstructured.documents.elements import Element

from documents.extraction import build
from documents.extraction.encodings import decode
from documents.extraction.formulas import formula
from documents.extraction.mail.body import message_elements
from documents.extraction.numerals import whole
from documents.extraction.office.charts import drawn_elements
from documents.extraction.office.word_code import fonts_tell, is_code, joined
from documents.extraction.office.word_headings import bold_headings
from documents.extraction.office.word_numbering import Numbers, numbers_of
from documents.extraction.office.word_styles import Role, Styles, styles_of
from documents.extraction.office.word_text import GONE, Line, goes_on, is_hidden, line_of
from documents.extraction.reading import Reading
from documents.extraction.web import reader as web
from documents.extraction.web.headings import level_of
from documents.extraction.xml_packages import Package, local_name, opened

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_WRAPPERS = frozenset({
    "sdt", "sdtContent", "customXml", "ins", "moveTo", "smartTag", "AlternateContent", "Choice",
})  # fmt: skip
_HANGING = ("footnote", "endnote", "comment")
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
_INCLUDED = "file"  # how many there are is only reported in a warning
_WIDEST = 63  # columns of a table
_INITIAL = 3  # letters, with a quotation mark


@dataclass(slots=True)
class _Word:
    package: Package
    links: dict[str, tuple[str, str]]
    styles: Styles
    numbers: Numbers
    notes: dict[str, etree._Element]
    headings: Set[etree._Element]  # that are only bold
    fonts_tell: bool  # which paragraphs are code
    is_tracked: bool  # contains tracked deletions or moves
    found: Counter[str] = field(default_factory=Counter)
    begun: str = ""  # the text of paragraphs that continue in the next

    def number(self, paragraph: etree._Element) -> str:
        """The number before a paragraph, which it counts even if the paragraph is empty."""
        settings = paragraph.find(f"{_W}pPr")
        return "" if settings is None else self.numbered(paragraph, self.styles.role(settings))

    def numbered(self, paragraph: etree._Element, role: Role) -> str:
        if not role.list_id or _is_gone(paragraph):
            return ""
        return self.numbers.marker(role.list_id, role.depth, role.style)

    def line(self, *nodes: etree._Element, numbered: bool = False) -> Line:
        number = self.number if numbered else None
        return line_of(*nodes, number=number, raised=self.styles.raised)

    def part(self, link: str) -> str:
        """The part that a relationship id leads to; "" if none."""
        return self.links[link][1] if link in self.links else ""


def read_docx(reading: Reading) -> Iterator[Element]:
    with opened(reading.path) as package:
        main = package.main_part()
        root = package.xml(main)
        body = root.find(f"{_W}body") if root is not None else None
        if body is None:
            return
        word = _word(package, main, body)
        yield from _margins(word, body, "header")
        yield from joined(_body(reading, word, body))
        yield from _margins(word, body, "footer")
    _tell(reading, word.found)


def _word(package: Package, main: str, body: etree._Element) -> _Word:
    styles, numbers = styles_of(package, main), numbers_of(package, main)
    notes, links = _notes(package, main), package.related(main)
    is_tracked = next(body.iter(*GONE), None) is not None
    headings = bold_headings(body, styles)
    return _Word(package, links, styles, numbers, notes, headings, fonts_tell(body), is_tracked)


def _tell(reading: Reading, found: Counter[str]) -> None:
    if files := found.pop(_INCLUDED, 0):
        reading.warnings.append(f"{files} included files were not read")
    reading.details.update({f"{kind}s": count for kind, count in found.items()})
    if pictures := found["picture"]:
        reading.warnings.append(f"{pictures} pictures were not read")


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
    elif tag in {"oMath", "oMathPara"}:
        yield build.paragraph(formula(node))
    elif tag == "altChunk":
        yield from _included(word, node.get(f"{_R}id", ""))
    elif tag in _WRAPPERS:
        for child in node:
            yield from _block(word, child)


def _included(word: _Word, link: str) -> Iterator[Element]:
    """An HTML part that is embedded in the document (altChunk), as converters write it."""
    part = word.part(link)
    data = word.package.bytes(part) or b""
    if _PAGE.match(data):
        yield from web.elements_of(decode(data)[0])
    elif part.endswith((".mht", ".mhtml", ".eml")):
        page = message_from_bytes(data)
        del page["Subject"], page["From"], page["Date"]  # of the page, when it was saved
        yield from message_elements(page, [])
    elif data:
        word.found[_INCLUDED] += 1


def _paragraph(word: _Word, node: etree._Element) -> Iterator[Element]:
    line = word.line(node)
    text, word.begun = word.begun + line.text, ""
    if _is_initial(node, line.text.strip()):
        word.begun = text.strip()
    elif word.is_tracked and goes_on(node):
        word.begun = text
    elif not text.strip():
        word.number(node)
    else:
        role = word.styles.role(node.find(f"{_W}pPr"))
        if role.contents:
            return
        yield _written(word, node, role, text)
    if line.hangs:
        yield from _hanging(word, line)


def _written(word: _Word, node: etree._Element, role: Role, text: str) -> Element:
    if is_code(node, role, by_font=word.fonts_tell):
        return build.code(text.rstrip())
    if node in word.headings:
        return build.title(text.strip(), level_of(text.strip()))
    return _element(f"{word.numbered(node, role)} {text.strip()}".lstrip(), role)


def _is_initial(node: etree._Element, text: str) -> bool:
    """Whether a paragraph is the drop cap of the next one."""
    frame = node.find(f"{_W}pPr/{_W}framePr") if 0 < len(text) <= _INITIAL else None
    if frame is None or frame.get(f"{_W}dropCap", "none") == "none":
        return False
    after = node.getnext()
    return after is not None and after.tag == f"{_W}p" and bool(line_of(after).text.strip())


def _element(text: str, role: Role) -> Element:
    if role.level:
        return build.title(text, role.level)
    return build.list_item(text) if role.list_id else build.paragraph(text)


def _is_gone(paragraph: etree._Element) -> bool:
    """Whether an empty paragraph is deleted or hidden, so that its number is not shown."""
    if next(paragraph.iter(f"{_W}t"), None) is not None:
        return False
    settings = paragraph.find(f"{_W}pPr/{_W}rPr")
    deleted = settings is not None and settings.find(f"{_W}del") is not None
    return settings is not None and (deleted or is_hidden(settings))


def _hanging(word: _Word, line: Line) -> Iterator[Element]:
    """The elements attached to a paragraph, which follow it: text boxes, charts, diagrams,
    notes and comments."""
    if line.pictures:
        word.found["picture"] += line.pictures
    for description in line.descriptions:
        yield from build.description(description)
    for box in line.boxes:
        for child in box:
            yield from _block(word, child)
    for link in line.drawn:
        yield from drawn_elements(word.package.xml(word.part(link)))
    for name in line.notes:
        note = word.notes.get(name)
        text = word.line(*note.iter(f"{_W}p")).text.strip() if note is not None else ""
        if note is not None and text:
            word.found[name.rstrip("-0123456789")] += 1
            author = note.get(f"{_W}author")
            yield build.paragraph(text if author is None else f"Comment by {author}: {text}")


def _notes(package: Package, main: str) -> dict[str, etree._Element]:
    return {
        kind + note.get(f"{_W}id", ""): note
        for kind in _HANGING
        for part in package.related_of(main, f"{kind}s")
        if (root := package.xml(part)) is not None
        for note in root.iter(f"{_W}{kind}")
        if note.get(f"{_W}type") is None  # the others are separator lines
    }


def _margins(word: _Word, body: etree._Element, kind: str) -> Iterator[Element]:
    """The headers or footers that are shown, each text once."""
    seen = set()
    for link in _shown(body, kind):
        root = word.package.xml(word.part(link))
        for node in root.iter(f"{_W}p") if root is not None else ():
            text = " ".join(word.line(node).text.split())
            if any(char.isalpha() for char in text) and text not in seen:
                seen.add(text)
                yield build.paragraph(text)


def _shown(body: etree._Element, kind: str) -> Iterator[str]:
    """Ids of the sections' headers or footers; the first page's only if it has its own."""
    for section in body.iter(f"{_W}sectPr"):
        own_first = section.find(f"{_W}titlePg") is not None
        for reference in section.iter(f"{_W}{kind}Reference"):
            if own_first or reference.get(f"{_W}type") != "first":
                yield reference.get(f"{_R}id", "")


def _table(word: _Word, node: etree._Element) -> Iterator[Element]:
    kept = [row for row in _inside(node, "tr") if not _is_deleted(row)]
    rows = [list(_inside(row, "tc")) for row in kept]
    if max(map(len, rows), default=0) < 2:  # a frame around text rather than a table
        for row in rows:
            for cell in row:
                for child in cell:
                    yield from _block(word, child)
        return
    first = node.find(f"{_W}tr/{_W}trPr/{_W}tblHeader")
    lines: list[Line] = []
    texts = [_row(word, row, cells, lines) for row, cells in zip(kept, rows, strict=True)]
    made = build.table(texts, header=True if first is not None else None)
    if made is not None:
        yield made
    for line in lines:
        yield from _hanging(word, line)


def _is_deleted(row: etree._Element) -> bool:
    return row.find(f"{_W}trPr/{_W}del") is not None


def _inside(node: etree._Element, tag: str) -> Iterator[etree._Element]:
    """Rows of a table or cells of a row, including those in content controls."""
    for child in node:
        local = local_name(child)
        if local == tag:
            yield child
        elif local in _WRAPPERS:
            yield from _inside(child, tag)


def _row(
    word: _Word, row: etree._Element, cells: list[etree._Element], lines: list[Line]
) -> list[str]:
    free = [""] * _columns(row.find(f"{_W}trPr/{_W}gridBefore"), 0)
    return [*free, *(text for cell in cells for text in _spanned(word, cell, lines))]


def _spanned(word: _Word, cell: etree._Element, lines: list[Line]) -> list[str]:
    """A cell's text, and an empty cell for each further column that it spans."""
    merged = cell.find(f"{_W}tcPr/{_W}vMerge")
    continues = merged is not None and merged.get(f"{_W}val") != "restart"
    line = word.line(*() if continues else (cell,), numbered=True)
    lines.append(line)
    return [line.text, *[""] * (_columns(cell.find(f"{_W}tcPr/{_W}gridSpan"), 1) - 1)]


def _columns(setting: etree._Element | None, otherwise: int) -> int:
    value = setting.get(f"{_W}val", "") if setting is not None else ""
    return min(whole(value, otherwise), _WIDEST)
