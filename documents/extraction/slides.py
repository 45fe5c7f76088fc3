"""PowerPoint presentations: a slide is a page."""

from collections.abc import Iterator

from lxml import etree
from unstructured.documents.elements import Element

from documents.extraction import parts
from documents.extraction.packages import Package, local_name, opened
from documents.extraction.reading import Reading

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_TITLES = frozenset({"title", "ctrTitle"})
_FURNITURE = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})  # the same on every slide
_NO_PLACEHOLDER = ""


def read_pptx(reading: Reading) -> Iterator[Element]:
    with opened(reading.path) as package:
        slides = _slides(package)
        reading.set_pages(len(slides))
        for number, part in enumerate(slides, 1):
            yield from _slide(package, part, number)
            reading.progress(number, len(slides))


def _slides(package: Package) -> list[str]:
    """The slides' parts, in the order they are shown."""
    main = package.main_part()
    root, links = package.xml(main), package.related(main)
    if root is None:
        return []
    ids = [slide.get(f"{_R}id", "") for slide in root.iter(f"{_P}sldId")]
    return [links[slide_id][1] for slide_id in ids if slide_id in links]


def _slide(package: Package, part: str, number: int) -> Iterator[Element]:
    root = package.xml(part)
    if root is None:
        return
    shapes = list(_shapes(root.find(f"{_P}cSld/{_P}spTree")))
    shapes.sort(key=lambda shape: _placeholder(shape) not in _TITLES)  # the title is read first
    for shape in shapes:
        yield from _shape(shape, number)
    for diagram in package.related_of(part, "diagramData"):
        yield from _paragraphs(package.xml(diagram), number, listed=True)
    for notes in package.related_of(part, "notesSlide"):
        yield from _notes(package.xml(notes), number)


def _shapes(tree: etree._Element | None) -> Iterator[etree._Element]:
    """Shapes and frames, also those in groups."""
    for node in tree if tree is not None else ():
        tag = local_name(node)
        if tag in {"sp", "graphicFrame"}:
            yield node
        elif tag in {"grpSp", "AlternateContent", "Choice"}:
            yield from _shapes(node)


def _placeholder(shape: etree._Element) -> str:
    """What the slide's layout calls the shape: title, body, ftr, …"""
    node = shape.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")
    return _NO_PLACEHOLDER if node is None else str(node.get("type", "body"))


def _shape(shape: etree._Element, number: int) -> Iterator[Element]:
    role = _placeholder(shape)
    if role in _FURNITURE:
        return
    for grid in shape.iter(f"{_A}tbl"):
        made = parts.table([_cells(row) for row in grid.iter(f"{_A}tr")], number)
        if made is not None:
            yield made
    body = shape.find(f"{_P}txBody")
    if role in _TITLES:
        text = " ".join(filter(None, (_text(line).strip() for line in _lines(body))))
        if text:
            yield parts.title(" ".join(text.split()), 1, number)
    elif body is not None:
        yield from _paragraphs(body, number, listed=role == "body")


def _lines(body: etree._Element | None) -> Iterator[etree._Element]:
    if body is not None:
        yield from body.iter(f"{_A}p")


def _paragraphs(body: etree._Element | None, number: int, *, listed: bool) -> Iterator[Element]:
    for line in _lines(body):
        text = _text(line)
        if not text.strip():
            continue
        bulleted = line.find(f"{_A}pPr/{_A}buChar") is not None or (
            listed and line.find(f"{_A}pPr/{_A}buNone") is None
        )
        yield parts.list_item(text, number) if bulleted else parts.paragraph(text, number)


def _cells(row: etree._Element) -> list[str]:
    """The row's texts; a cell that is merged into another has none."""
    return [
        ""
        if cell.get("hMerge") == "1" or cell.get("vMerge") == "1"
        else " ".join(_text(line) for line in cell.iter(f"{_A}p"))
        for cell in row.iter(f"{_A}tc")
    ]


def _text(line: etree._Element) -> str:
    return "".join(
        "\n" if local_name(node) == "br" else node.text or ""
        for node in line.iter(f"{_A}t", f"{_A}br")
    )


def _notes(root: etree._Element | None, number: int) -> Iterator[Element]:
    for shape in root.iter(f"{_P}sp") if root is not None else ():
        if _placeholder(shape) == "body":
            yield from _paragraphs(shape.find(f"{_P}txBody"), number, listed=False)
