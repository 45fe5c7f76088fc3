"""Bullets of PowerPoint's paragraphs, which mostly come from a slide's layout or master."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from documents.extraction.numerals import whole
from documents.extraction.office.slide_order import Box, box_of
from documents.extraction.xml_packages import Package

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_BULLETS = tuple(f"{_A}{tag}" for tag in ("buNone", "buAutoNum", "buChar", "buBlip"))
_DEEPEST = 8
_KINDS = {"ctrTitle": "title", "subTitle": "body", "obj": "body"}  # names in masters
_UNPLACED = ""  # the index of a shape that is no placeholder

Styles = tuple[etree._Element, ...]  # with settings for each level, the nearest first


def level_of(settings: etree._Element | None) -> int:
    """The list level of a paragraph with these settings (`pPr`), from 0."""
    return min(whole(settings.get("lvl", ""), 0), _DEEPEST) if settings is not None else 0


def bullet(settings: etree._Element | None, styles: Styles) -> etree._Element | None:
    """The bullet of a paragraph with these settings: `buNone`, `buAutoNum`, … or None."""
    level = f"{_A}lvl{level_of(settings) + 1}pPr"
    for said in (settings, *(style.find(level) for style in styles)):
        found = next(said.iterchildren(*_BULLETS), None) if said is not None else None
        if found is not None:
            return found
    return None


@dataclass(slots=True)
class Layout:
    """What the placeholders of a slide inherit."""

    by_index: dict[str, Styles] = field(default_factory=dict)
    boxes: dict[str, Box] = field(default_factory=dict)

    def styles(self, shape: etree._Element) -> Styles:
        """Styles of a shape with text: its own, then the inherited ones."""
        return (*_own(shape), *self.by_index.get(_index(shape), ()))

    def box(self, shape: etree._Element) -> Box | None:
        """The bounding box of a shape; None if unknown."""
        return box_of(shape) or self.boxes.get(_index(shape))


@dataclass(slots=True)
class _Master:
    common: Styles = ()
    boxes: dict[str, Box] = field(default_factory=dict)  # by the kind of placeholder


@dataclass(slots=True)
class Layouts:
    """The layouts of a presentation with their masters, each read once."""

    package: Package
    _known: dict[str, Layout] = field(default_factory=dict)
    _masters: dict[str, _Master] = field(default_factory=dict)

    def of(self, slide: str) -> Layout:
        part = next(iter(self.package.related_of(slide, "slideLayout")), "")
        if part not in self._known:
            self._known[part] = self._read(part)
        return self._known[part]

    def _read(self, part: str) -> Layout:
        master = self._master(next(iter(self.package.related_of(part, "slideMaster")), ""))
        root, layout = self.package.xml(part), Layout()
        for shape in root.iter(f"{_P}sp") if root is not None else ():
            if index := _index(shape):
                layout.by_index[index] = (*_own(shape), *master.common)
                if box := box_of(shape) or master.boxes.get(_kind(shape)):
                    layout.boxes[index] = box
        return layout

    def _master(self, part: str) -> _Master:
        if part not in self._masters:
            root = self.package.xml(part)
            self._masters[part] = _master_of(root) if root is not None else _Master()
        return self._masters[part]


def _master_of(root: etree._Element) -> _Master:
    shapes = list(root.iter(f"{_P}sp"))
    placed = {_kind(shape): box for shape in shapes if (box := box_of(shape))}
    return _Master(tuple(_common(root)), placed)


def _own(shape: etree._Element) -> Styles:
    style = shape.find(f"{_P}txBody/{_A}lstStyle")
    return () if style is None or not len(style) else (style,)


def _common(master: etree._Element) -> Iterator[etree._Element]:
    """The text styles of a master, those of its placeholders first."""
    for shape in master.iter(f"{_P}sp"):
        place = _place(shape)
        if place is not None and place.get("type") == "body":
            yield from _own(shape)
    yield from master.iterfind(f"{_P}txStyles/{_P}bodyStyle")


def _place(shape: etree._Element) -> etree._Element | None:
    return shape.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")


def _kind(shape: etree._Element) -> str:
    """The kind of a placeholder, in the terms of masters."""
    place = _place(shape)
    kind = "" if place is None else str(place.get("type", "body"))
    return _KINDS.get(kind, kind)


def _index(shape: etree._Element) -> str:
    """The index that links a slide's placeholder to its layout."""
    place = _place(shape)
    return _UNPLACED if place is None else str(place.get("idx", "0"))
