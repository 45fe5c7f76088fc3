"""The text of a Word paragraph, and what is attached to it: text boxes, notes, comments."""

from collections.abc import Callable, Set
from dataclasses import dataclass, field

from lxml import etree

from documents.extraction.formulas import MATH, formula
from documents.extraction.office.word_numbering import value
from documents.extraction.office.word_symbols import field_of_form, sign
from documents.extraction.superscripts import may_be_superscript, subscript_last, superscript_last

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
# Not read: deleted or moved text, fallback renderings of drawings, field codes, form data.
_SKIPPED = frozenset(
    {_FALLBACK, f"{_W}rPr", f"{_W}pPr", f"{_W}tblPr", f"{_W}tcPr", f"{_W}sectPr", f"{_W}del"}
    | {f"{_W}{tag}" for tag in ("moveFrom", "instrText", "delText", "delInstrText", "sdtPr")}
)
_LITERAL = {
    f"{_W}tab": " ", f"{_W}ptab": " ", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-",
}  # fmt: skip
_SHOWN = {f"{_W}sym": sign, f"{_W}ffData": field_of_form}
_FORMULAS = frozenset({f"{MATH}oMath", f"{MATH}oMathPara"})
_HANGING = {
    f"{_W}footnoteReference": "footnote",
    f"{_W}endnoteReference": "endnote",
    f"{_W}commentReference": "comment",
}
_PICTURES = frozenset(
    {
        "{http://schemas.openxmlformats.org/drawingml/2006/main}blip",
        "{urn:schemas-microsoft-com:vml}imagedata",
    }
)
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_DRAWN = {  # what is in a part of its own, and the attribute with the relationship id
    "{http://schemas.openxmlformats.org/drawingml/2006/chart}chart": f"{_R}id",
    "{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds": f"{_R}dm",
}
# Where a picture's alternative text is, in new and in old files.
_DESCRIBED = {
    "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr": "descr",
    "{urn:schemas-microsoft-com:vml}shape": "alt",
}
GONE = (f"{_W}del", f"{_W}moveFrom")  # on the paragraph mark
_BLOCKS = tuple(f"{_W}{tag}" for tag in ("p", "tbl", "sdt", "sectPr"))
_MOVED = 4  # half points; the least manual shift of a superscript or subscript
_OFF = frozenset({"0", "false", "off"})


@dataclass(slots=True)
class Line:
    """A paragraph, or all the paragraphs of a cell in one line."""

    texts: list[str] = field(default_factory=list)
    boxes: list[etree._Element] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)  # kind and id, such as "footnote3"
    drawn: list[str] = field(default_factory=list)  # relationship ids of charts and diagrams
    descriptions: list[str] = field(default_factory=list)
    pictures: int = 0
    fields: list[int | None] = field(default_factory=list)  # open fields; where each began
    number: Callable[[etree._Element], str] | None = None  # before each of the paragraphs
    raised: Set[str] = frozenset()  # superscript character styles

    @property
    def hangs(self) -> bool:
        """Whether anything is attached to the text."""
        return bool(self.boxes or self.notes or self.drawn or self.descriptions or self.pictures)

    @property
    def text(self) -> str:
        return "".join(self.texts)


def line_of(
    *nodes: etree._Element,
    number: Callable[[etree._Element], str] | None = None,
    raised: Set[str] = frozenset(),
) -> Line:
    line = Line(number=number, raised=raised)
    for node in nodes:
        if line.texts:
            line.texts.append(" ")
        _gather(node, line)
    return line


def _gather(node: etree._Element, line: Line) -> None:
    for child in node:
        tag = child.tag
        if tag == f"{_W}t":
            line.texts.append(child.text or "")
        elif tag == f"{_W}r":
            _run(child, line)
        elif tag in _LITERAL:
            line.texts.append(_LITERAL[tag])
        elif tag not in _SKIPPED and isinstance(tag, str):
            _other(child, tag, line)


def _run(node: etree._Element, line: Line) -> None:
    settings = node.find(f"{_W}rPr")
    if settings is None:
        _gather(node, line)
    elif not is_hidden(settings):
        start = len(line.texts)
        _gather(node, line)
        if may_be_superscript(line.texts, start):
            _place(node, settings, line, start)


def _place(node: etree._Element, settings: etree._Element, line: Line, start: int) -> None:
    """Make a run's text superscript or subscript by its settings (`rPr`) or else its style."""
    said = value(settings, "vertAlign") or _position(node, settings)
    if said == "subscript":
        subscript_last(line.texts, start, _text_after(node))
    elif said == "superscript" or (not said and value(settings, "rStyle") in line.raised):
        superscript_last(line.texts, start)


def _position(run: etree._Element, settings: etree._Element) -> str:
    """The effect of a manually shifted run, if the run before it is not shifted alike."""
    half_points = value(settings, "position")
    if not half_points or half_points == _position_before(run):
        return ""
    try:
        moved = int(half_points)
    except ValueError:
        return ""
    return "" if abs(moved) < _MOVED else "superscript" if moved > 0 else "subscript"


def _position_before(run: etree._Element) -> str:
    before = run.getprevious()
    settings = before.find(f"{_W}rPr") if before is not None else None
    return "" if settings is None else value(settings, "position")


def _text_after(run: etree._Element) -> str:
    after = run.getnext()
    return after.findtext(f"{_W}t", "") if after is not None else ""


def _field(node: etree._Element, line: Line) -> None:
    """Keep a field's result only; the text before that, nested fields included, is its code."""
    kind = node.get(f"{_W}fldCharType")
    if kind == "begin":
        _gather(node, line)
        line.fields.append(len(line.texts))
        return
    if line.fields and (began := line.fields.pop()) is not None:
        del line.texts[began:]
    if kind == "separate":
        line.fields.append(None)


def _ruby(node: etree._Element, line: Line) -> None:
    """Base characters, followed by their reading in brackets."""
    base, reading = (line_of(*node.iterfind(f"{_W}{tag}")).text for tag in ("rubyBase", "rt"))
    line.texts.append(f"{base}({reading})" if reading.strip() else base)


def _other(node: etree._Element, tag: str, line: Line) -> None:
    if tag == f"{_W}txbxContent":
        line.boxes.append(node)
    elif tag in _FORMULAS:
        before = node.getprevious()
        follows = before is not None and before.tag in _FORMULAS
        line.texts += ["\n", formula(node)] if follows else [formula(node)]
    elif tag in _SHOWN:
        line.texts.append(_SHOWN[tag](node))
    elif tag in _HANGING:
        line.notes.append(_HANGING[tag] + node.get(f"{_W}id", ""))
    elif tag == f"{_W}fldChar":
        _field(node, line)
    elif tag == f"{_W}ruby":
        _ruby(node, line)
    else:
        if tag == f"{_W}p":
            _begin(node, line)
        elif tag in _DRAWN:
            line.drawn.append(node.get(_DRAWN[tag], ""))
        elif tag in _DESCRIBED:
            line.descriptions.append(node.get(_DESCRIBED[tag], ""))
        line.pictures += tag in _PICTURES
        _gather(node, line)


def _begin(paragraph: etree._Element, line: Line) -> None:
    if line.texts:
        before = paragraph.getprevious()
        if before is not None and goes_on(before):
            return
        line.texts.append(" ")
    number = line.number(paragraph) if line.number is not None else ""
    if number:
        line.texts += [number, " "]


def goes_on(paragraph: etree._Element) -> bool:
    """Whether its paragraph mark is deleted, so that the next paragraph continues it."""
    mark = paragraph.find(f"{_W}pPr/{_W}rPr")
    if mark is None or all(mark.find(tag) is None for tag in GONE):
        return False
    after = next(paragraph.itersiblings(*_BLOCKS), None)
    return after is not None and after.tag == f"{_W}p"


def is_hidden(settings: etree._Element) -> bool:
    """Whether a run with these settings (`rPr`) is hidden."""
    hidden = settings.find(f"{_W}vanish")
    return hidden is not None and hidden.get(f"{_W}val") not in _OFF
