"""Bullets of PowerPoint's paragraphs, which mostly a slide's layout or master gives them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from documents.extraction.numerals import whole
from documents.extraction.packages import Package

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_BULLETS = tuple(f"{_A}{tag}" for tag in ("buNone", "buAutoNum", "buChar", "buBlip"))
_DEEPEST = 8
_UNPLACED = ""  # the index of a shape that is no placeholder

Styles = tuple[etree._Element, ...]  # with settings for each level, the nearest first


def level_of(settings: etree._Element | None) -> int:
    """How deep in a list a paragraph with these settings (`pPr`) is, from 0."""
    return min(whole(settings.get("lvl", ""), 0), _DEEPEST) if settings is not None else 0


def bullet(settings: etree._Element | None, styles: Styles) -> etree._Element | None:
    """What stands before a paragraph with these settings: `buNone`, `buAutoNum`, … or unsaid."""
    level = f"{_A}lvl{level_of(settings) + 1}pPr"
    for said in (settings, *(style.find(level) for style in styles)):
        found = next(said.iterchildren(*_BULLETS), None) if said is not None else None
        if found is not None:
            return found
    return None


@dataclass(slots=True)
class Layouts:
    """The layouts of a presentation with their masters, each read once."""

    package: Package
    _known: dict[str, dict[str, Styles]] = field(default_factory=dict)
    _masters: dict[str, Styles] = field(default_factory=dict)

    def of(self, slide: str) -> dict[str, Styles]:
        """What the placeholders of a slide take over, by their index."""
        part = next(iter(self.package.related_of(slide, "slideLayout")), "")
        if part not in self._known:
            self._known[part] = self._read(part)
        return self._known[part]

    def _read(self, part: str) -> dict[str, Styles]:
        common = self._master(next(iter(self.package.related_of(part, "slideMaster")), ""))
        layout = self.package.xml(part)
        shapes = layout.iter(f"{_P}sp") if layout is not None else ()
        placed = {_index(shape): (*_own(shape), *common) for shape in shapes}
        placed.pop(_UNPLACED, None)
        return placed

    def _master(self, part: str) -> Styles:
        if part not in self._masters:
            root = self.package.xml(part)
            self._masters[part] = tuple(_common(root)) if root is not None else ()
        return self._masters[part]


def styles_of(shape: etree._Element, layout: dict[str, Styles]) -> Styles:
    """Of a shape with text: its own, then what it takes over."""
    return (*_own(shape), *layout.get(_index(shape), ()))


def _own(shape: etree._Element) -> Styles:
    style = shape.find(f"{_P}txBody/{_A}lstStyle")
    return () if style is None or not len(style) else (style,)


def _common(master: etree._Element) -> Iterator[etree._Element]:
    """What a master says of texts, those of the placeholders for them before the others."""
    for shape in master.iter(f"{_P}sp"):
        place = _place(shape)
        if place is not None and place.get("type") == "body":
            yield from _own(shape)
    yield from master.iterfind(f"{_P}txStyles/{_P}bodyStyle")


def _place(shape: etree._Element) -> etree._Element | None:
    return shape.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")


def _index(shape: etree._Element) -> str:
    """By which a slide's placeholder is found in its layout."""
    place = _place(shape)
    return _UNPLACED if place is None else str(place.get("idx", "0"))
