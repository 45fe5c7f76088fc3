"""Numbers of Word's list items and headings, which are not part of the text."""

import re
from dataclasses import dataclass, field

from lxml import etree

from documents.extraction.numerals import whole, written
from documents.extraction.xml_packages import Package

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LEVELS = 9  # of a list, at most
_PLACE = re.compile(r"%([1-9])")


@dataclass(slots=True)
class _Level:
    start: int = 1
    kind: str = "decimal"
    text: str = ""  # such as "%1.%2)"
    style: str = ""  # the paragraph style linked to this level
    legal: bool = False  # numbers of outer levels are decimal here too


@dataclass(slots=True)
class Numbers:
    """The lists of a document, with their current counts."""

    lists: dict[str, str] = field(default_factory=dict)  # list id -> id of its definition
    levels: dict[str, dict[int, _Level]] = field(default_factory=dict)  # by list id
    starts: dict[str, dict[int, int]] = field(default_factory=dict)  # overridden start values
    _counts: dict[str, dict[int, int]] = field(default_factory=dict)

    def marker(self, list_id: str, level: int | None, style: str) -> str:
        """The number of the next item, such as "2.1", which it counts; "" for bullets."""
        levels = self.levels.get(list_id, {})
        if level is None:
            level = next((at for at, each in levels.items() if style and each.style == style), 0)
        if level not in levels:
            return ""
        counts = self._counted(list_id, level, levels[level].start)
        if levels[level].kind in {"bullet", "none"}:
            return ""
        legal = levels[level].legal
        return _PLACE.sub(
            lambda place: _number(levels, counts, int(place[1]) - 1, legal=legal),
            levels[level].text,
        )

    def _counted(self, list_id: str, level: int, start: int) -> dict[int, int]:
        """The counts of each level of a list, including its next item."""
        counts = self._counts.setdefault(self.lists[list_id], {})
        restart = self.starts.get(list_id, {}).pop(level, None)
        counts[level] = counts.get(level, start - 1) + 1 if restart is None else restart
        for deeper in [at for at in counts if at > level]:
            del counts[deeper]
        return counts


def _number(levels: dict[int, _Level], counts: dict[int, int], at: int, *, legal: bool) -> str:
    level = levels.get(at, _Level())
    return written(counts.get(at, level.start), "decimal" if legal else level.kind)


def numbers_of(package: Package, main: str) -> Numbers:
    numbers = Numbers()
    for part in package.related_of(main, "numbering"):
        root = package.xml(part)
        if root is not None:
            _define(numbers, root)
    return numbers


def _define(numbers: Numbers, root: etree._Element) -> None:
    nodes = {node.get(f"{_W}abstractNumId", ""): node for node in root.iter(f"{_W}abstractNum")}
    styled = {value(node, "styleLink"): name for name, node in nodes.items()}
    defined = {name: _levels(node) for name, node in nodes.items()}
    for node in root.iter(f"{_W}num"):
        list_id, name = node.get(f"{_W}numId", ""), value(node, "abstractNumId")
        style = value(nodes[name], "numStyleLink") if name in nodes else ""
        name = styled.get(style, name) if style else name  # refers to the style's list
        numbers.lists[list_id] = name
        own = _levels(node)
        levels = defined.get(name, {})
        numbers.levels[list_id] = {**levels, **own} if own else levels
        numbers.starts[list_id] = _starts(node)


def _levels(node: etree._Element) -> dict[int, _Level]:
    return {
        at: _Level(
            whole(value(level, "start"), 1),
            value(level, "numFmt") or "decimal",
            value(level, "lvlText"),
            value(level, "pStyle"),
            _is_on(level.find(f"{_W}isLgl")),
        )
        for level in node.iter(f"{_W}lvl")
        if (at := whole(level.get(f"{_W}ilvl", ""), 0)) < _LEVELS
    }


def _is_on(switch: etree._Element | None) -> bool:
    return switch is not None and switch.get(f"{_W}val") not in {"0", "false", "off"}


def _starts(node: etree._Element) -> dict[int, int]:
    return {
        whole(override.get(f"{_W}ilvl", ""), 0): whole(start, 1)
        for override in node.iter(f"{_W}lvlOverride")
        if (start := value(override, "startOverride"))
    }


def value(node: etree._Element, tag: str) -> str:
    """The `val` attribute of a child; "" without it."""
    child = node.find(f"{_W}{tag}")
    return "" if child is None else str(child.get(f"{_W}val", ""))
