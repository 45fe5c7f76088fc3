"""The role of a Word paragraph: heading, list item or text, by its style or its own settings."""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass, field, replace

from lxml import etree

from documents.extraction.office.style_chains import chain, nearest
from documents.extraction.office.word_numbering import value
from documents.extraction.xml_packages import Package

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING = re.compile(r"heading (\d)$", re.IGNORECASE)
_CONTENTS = re.compile(r"toc \d$", re.IGNORECASE)
_CODE = frozenset({"code", "source code", "html preformatted", "preformatted text", "macro text"})
_OWN = (f"{_W}outlineLvl", f"{_W}numPr")  # settings of a paragraph besides its style
_BODY_LEVEL = 9  # Word's outline level of body text, counted from 0
_NO_LIST = "0"
_SOME_LIST = "style"  # a list by its style's name, without numbers


@dataclass(frozen=True, slots=True)
class Role:
    style: str = ""
    level: int | None = None  # of a heading; 0 or None for text
    list_id: str | None = None  # "" if it is explicitly in none
    depth: int | None = None  # in the list, from 0; None if the style decides
    contents: bool = False  # a line of the table of contents, which repeats a heading
    code: bool = False
    font: str = ""


@dataclass(slots=True)
class Styles:
    own: dict[str, Role] = field(default_factory=dict)  # the settings of each style itself
    parents: dict[str, str] = field(default_factory=dict)
    raised: Set[str] = frozenset()  # superscript character styles
    _resolved: dict[str, Role] = field(default_factory=dict)

    def role(self, settings: etree._Element | None) -> Role:
        """The role of a paragraph with these settings (`pPr`)."""
        if settings is None:
            return Role()
        style = self._style(value(settings, "pStyle"))
        if all(settings.find(each) is None for each in _OWN):
            return style  # as nearly all do
        return _inheriting(_said(settings, style.style), style)

    def _style(self, name: str) -> Role:
        if name not in self._resolved:
            self._resolved[name] = self._resolve(name)
        return self._resolved[name]

    def _resolve(self, name: str) -> Role:
        role = Role(style=name)
        for above in chain(name, self.parents):
            role = _inheriting(role, self.own[above])
        return role


def _inheriting(role: Role, base: Role) -> Role:
    return replace(
        role,
        level=base.level if role.level is None else role.level,
        list_id=base.list_id if role.list_id is None else role.list_id,
        depth=base.depth if role.depth is None else role.depth,
        contents=role.contents or base.contents,
        code=role.code or base.code,
        font=role.font or base.font,
    )


def _said(settings: etree._Element, style: str) -> Role:
    """The role by the settings themselves."""
    level = depth = list_id = None
    outline, numbers = (settings.find(f"{_W}{tag}") for tag in ("outlineLvl", "numPr"))
    if outline is not None:
        said = outline.get(f"{_W}val", "")
        level = int(said) + 1 if said.isdigit() and int(said) < _BODY_LEVEL else 0
    if numbers is not None:
        list_id = value(numbers, "numId") or None
        said = value(numbers, "ilvl")
        depth = int(said) if said.isdigit() else None
    return Role(style, level, "" if list_id == _NO_LIST else list_id, depth)


def styles_of(package: Package, main: str) -> Styles:
    styles, positions = Styles(), dict[str, str]()
    for part in package.related_of(main, "styles"):
        root = package.xml(part)
        for node in root.iter(f"{_W}style") if root is not None else ():
            name = node.get(f"{_W}styleId", "")
            styles.own[name] = _own(node, name)
            styles.parents[name] = value(node, "basedOn")
            positions[name] = _position(node.find(f"{_W}rPr"))
    styles.raised = frozenset(_raised(positions, styles.parents))
    return styles


def _position(settings: etree._Element | None) -> str:
    return "" if settings is None else value(settings, "vertAlign")


def _raised(positions: dict[str, str], parents: dict[str, str]) -> Iterator[str]:
    if "superscript" not in positions.values():
        return
    for name in positions:
        if nearest(name, positions, parents) == "superscript":
            yield name


def _own(node: etree._Element, style: str) -> Role:
    name, settings = value(node, "name").lower(), node.find(f"{_W}pPr")
    role = _said(settings, style) if settings is not None else Role(style)
    if heading := _HEADING.match(name):
        role = replace(role, level=int(heading[1]))
    elif name in {"title", "subtitle"}:
        role = replace(role, level=1 if name == "title" else 2)
    if name.startswith("list ") and role.list_id is None:
        role = replace(role, list_id=_SOME_LIST)
    font = font_of(node.find(f"{_W}rPr"))
    return replace(role, contents=bool(_CONTENTS.match(name)), code=name in _CODE, font=font)


def font_of(settings: etree._Element | None) -> str:
    """The font that a style or a run (`rPr`) names, in lower case; "" if none."""
    fonts = settings.find(f"{_W}rFonts") if settings is not None else None
    return "" if fonts is None else str(fonts.get(f"{_W}ascii", "")).lower()
