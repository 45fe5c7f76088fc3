"""PowerPoint presentations: a slide is a page."""

from collections import Counter
from collections.abc import Iterator

from lxml import etree
from unstructured.documents.elements import Element

from documents.extraction import build
from documents.extraction.directions import runs_left
from documents.extraction.formulas import MATH, formula
from documents.extraction.office.charts import chart_elements
from documents.extraction.office.slide_numbering import Numbers
from documents.extraction.office.slide_order import in_order
from documents.extraction.office.slide_styles import Layout, Layouts, Styles, bullet, level_of
from documents.extraction.reading import Reading
from documents.extraction.superscripts import subscript_last, superscript_last
from documents.extraction.xml_packages import Package, local_name, opened

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_TITLES = frozenset({"title", "ctrTitle"})
_FURNITURE = frozenset({"sldNum", "dt", "hdr", "sldImg"})  # slide numbers, dates and headers
_ON_THE_LINE = frozenset({"", "0", "0%"})
_NO_PLACEHOLDER = ""


def read_pptx(reading: Reading) -> Iterator[Element]:
    with opened(reading.path) as package:
        slides = _slides(package)
        reading.set_pages(len(slides))
        deck = _Deck(package)
        for number, part in enumerate(slides, 1):
            yield from deck.slide(part, number)
            reading.progress(number, len(slides))
    _tell(reading, deck.found)


def _tell(reading: Reading, found: Counter[str]) -> None:
    reading.details.update({kind: count for kind, count in found.items() if count})
    if hidden := found["hidden_slides"]:
        reading.warnings.append(f"{hidden} hidden slides were left out")
    if pictures := found["pictures"]:
        reading.warnings.append(f"{pictures} pictures were not read")


def _slides(package: Package) -> list[str]:
    """The slides' parts, in presentation order."""
    main = package.main_part()
    root, links = package.xml(main), package.related(main)
    if root is None:
        return []
    ids = [slide.get(f"{_R}id", "") for slide in root.iter(f"{_P}sldId")]
    return [links[slide_id][1] for slide_id in ids if slide_id in links]


class _Deck:
    """The slides of an open presentation, with what has been found on them so far."""

    def __init__(self, package: Package) -> None:
        self._package = package
        self._layouts = Layouts(package)
        self._footers: set[str] = set()
        self.found = Counter[str]()

    def slide(self, part: str, number: int) -> Iterator[Element]:
        root = self._package.xml(part)
        if root is None or root.get("show") in {"0", "false"}:
            self.found["hidden_slides"] += root is not None
            return
        layout = self._layouts.of(part)
        mirrored = runs_left("".join(root.itertext(f"{_A}t")))
        shapes = list(_shapes(root.find(f"{_P}cSld/{_P}spTree"), layout, mirrored=mirrored))
        shapes.sort(key=lambda shape: _placeholder(shape) not in _TITLES)  # read first
        for shape in shapes:
            yield from self._shape(shape, number, layout.styles(shape))
        for picture in root.iter(f"{_P}pic"):
            self.found["pictures"] += 1
            for named in picture.iterfind(f"{_P}nvPicPr/{_P}cNvPr"):
                yield from build.description(named.get("descr", ""), number)
        yield from self._beside(part, number)

    def _shape(self, shape: etree._Element, number: int, styles: Styles) -> Iterator[Element]:
        if _placeholder(shape) != "ftr":
            yield from _shape(shape, number, styles)
            return
        text = " ".join(" ".join(map(_text, _lines(shape.find(f"{_P}txBody")))).split())
        if text and text not in self._footers:  # it is on every slide
            self._footers.add(text)
            yield build.paragraph(text, number)

    def _beside(self, part: str, number: int) -> Iterator[Element]:
        """What belongs to a slide but is in parts of its own."""
        package = self._package
        for chart in package.related_of(part, "chart"):
            yield from chart_elements(package.xml(chart), number)
        for diagram in package.related_of(part, "diagramData"):
            yield from _paragraphs(package.xml(diagram), number, listed=True)
        for notes in package.related_of(part, "notesSlide"):
            found = list(_notes(package.xml(notes), number))
            self.found["notes"] += bool(found)
            yield from found
        for comments in package.related_of(part, "comments"):
            for text in _comments(package.xml(comments)):
                self.found["comments"] += 1
                yield build.paragraph(f"Comment: {text}", number)


def _comments(root: etree._Element | None) -> Iterator[str]:
    """The texts of a slide's comments, in the older format and in the threaded one."""
    for node in root.iter("{*}cm", "{*}reply") if root is not None else ():
        old = node.find(f"{_P}text")
        lines = node.find("{*}txBody")
        text = (old.text or "") if old is not None else " ".join(map(_text, _lines(lines)))
        if text.strip():
            yield text.strip()


def _shapes(
    tree: etree._Element | None, layout: Layout, *, mirrored: bool
) -> Iterator[etree._Element]:
    """Shapes and frames in reading order, those of a group one after the other."""
    for node in in_order(list(_drawn(tree)), layout.box, mirrored=mirrored):
        if local_name(node) == "grpSp":
            yield from _shapes(node, layout, mirrored=mirrored)
        else:
            yield node


def _drawn(tree: etree._Element | None) -> Iterator[etree._Element]:
    for node in tree if tree is not None else ():
        tag = local_name(node)
        if tag in {"sp", "graphicFrame", "grpSp"}:
            yield node
        elif tag in {"AlternateContent", "Choice"}:
            yield from _drawn(node)


def _placeholder(shape: etree._Element) -> str:
    """The placeholder type of a shape: title, body, ftr, …"""
    node = shape.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")
    return _NO_PLACEHOLDER if node is None else str(node.get("type", "body"))


def _shape(shape: etree._Element, number: int, styles: Styles) -> Iterator[Element]:
    role = _placeholder(shape)
    if role in _FURNITURE:
        return
    for grid in shape.iter(f"{_A}tbl"):
        made = build.table([_cells(row) for row in grid.iter(f"{_A}tr")], number)
        if made is not None:
            yield made
    body = shape.find(f"{_P}txBody")
    if role in _TITLES:
        text = " ".join(filter(None, (_text(line).strip() for line in _lines(body))))
        if text:
            yield build.title(" ".join(text.split()), 1, number)
    elif body is not None:
        yield from _paragraphs(body, number, styles, listed=role == "body")


def _lines(body: etree._Element | None) -> Iterator[etree._Element]:
    if body is not None:
        yield from body.iter(f"{_A}p")


def _paragraphs(
    body: etree._Element | None, number: int, styles: Styles = (), *, listed: bool
) -> Iterator[Element]:
    """`listed`: whether paragraphs without bullet settings are list items."""
    numbers = Numbers()
    for line in _lines(body):
        text = _text(line)
        if not text.strip():
            continue
        settings = line.find(f"{_A}pPr")
        found = bullet(settings, styles)
        if before := numbers.before(level_of(settings), found):
            text = f"{before} {text.lstrip()}"
        is_item = listed if found is None else found.tag != f"{_A}buNone"
        yield build.list_item(text, number) if is_item else build.paragraph(text, number)


def _cells(row: etree._Element) -> list[str]:
    """The row's texts; a merged cell is empty."""
    return [
        ""
        if cell.get("hMerge") == "1" or cell.get("vMerge") == "1"
        else " ".join(_text(line) for line in cell.iter(f"{_A}p"))
        for cell in row.iter(f"{_A}tc")
    ]


def _text(line: etree._Element) -> str:
    texts: list[str] = []
    nodes = list(line.iter(f"{_A}t", f"{_A}br", f"{MATH}oMath"))
    for at, node in enumerate(nodes):
        texts.append(_said(node))
        settings = node.getprevious() if node.tag == f"{_A}t" else None  # of the run
        offset = "" if settings is None else settings.get("baseline") or ""
        if offset.startswith("-"):
            subscript_last(texts, at, _said(nodes[at + 1]) if at + 1 < len(nodes) else "")
        elif offset not in _ON_THE_LINE:
            superscript_last(texts, at)
    return "".join(texts)


def _said(node: etree._Element) -> str:
    if node.tag == f"{MATH}oMath":
        return formula(node)
    return "\n" if node.tag == f"{_A}br" else node.text or ""


def _notes(root: etree._Element | None, number: int) -> Iterator[Element]:
    for shape in root.iter(f"{_P}sp") if root is not None else ():
        if _placeholder(shape) == "body":
            yield from _paragraphs(shape.find(f"{_P}txBody"), number, listed=False)
