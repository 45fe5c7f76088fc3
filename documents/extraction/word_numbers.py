"""The numbers that Word puts before list items and headings, which stand nowhere in the text."""

import re
from dataclasses import dataclass, field

from lxml import etree

from documents.extraction.numerals import whole, written
from documents.extraction.packages import Package

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_PLACE = re.compile(r"%([1-9])")


@dataclass(slots=True)
class _Level:
    start: int = 1
    kind: str = "decimal"
    text: str = ""  # such as "%1.%2)"
    style: str = ""  # the paragraph style that stands for this level


@dataclass(slots=True)
class Numbers:
    """The lists of a document, and how far each of them has come."""

    lists: dict[str, str] = field(default_factory=dict)  # a list's id -> its definition's
    levels: dict[str, dict[int, _Level]] = field(default_factory=dict)
    starts: dict[str, dict[int, int]] = field(default_factory=dict)  # where a list begins anew
    _counts: dict[str, dict[int, int]] = field(default_factory=dict)

    def marker(self, list_id: str, level: int | None, style: str) -> str:
        """The number of the next item, such as "2.1", which counts it; "" for bullets."""
        definition = self.lists.get(list_id, "")
        levels = self.levels.get(definition, {})
        if level is None:
            level = next((at for at, each in levels.items() if style and each.style == style), 0)
        if level not in levels:
            return ""
        self._count(list_id, definition, level)
        if levels[level].kind in {"bullet", "none"}:
            return ""
        counts = self._counts[definition]
        return _PLACE.sub(lambda place: self._number(levels, counts, place), levels[level].text)

    def _count(self, list_id: str, definition: str, level: int) -> None:
        counts = self._counts.setdefault(definition, {})
        restart = self.starts.get(list_id, {}).pop(level, None)
        start = self.levels[definition][level].start
        counts[level] = counts.get(level, start - 1) + 1 if restart is None else restart
        for deeper in [at for at in counts if at > level]:
            del counts[deeper]

    def _number(
        self, levels: dict[int, _Level], counts: dict[int, int], place: re.Match[str]
    ) -> str:
        at = int(place[1]) - 1
        level = levels.get(at, _Level())
        return written(counts.get(at, level.start), level.kind)


def numbers_of(package: Package, main: str) -> Numbers:
    numbers = Numbers()
    for part in package.related_of(main, "numbering"):
        root = package.xml(part)
        for node in root.iter(f"{_W}abstractNum") if root is not None else ():
            numbers.levels[node.get(f"{_W}abstractNumId", "")] = _levels(node)
        for node in root.iter(f"{_W}num") if root is not None else ():
            list_id = node.get(f"{_W}numId", "")
            numbers.lists[list_id] = value(node, "abstractNumId")
            numbers.starts[list_id] = _starts(node)
    return numbers


def _levels(node: etree._Element) -> dict[int, _Level]:
    return {
        whole(level.get(f"{_W}ilvl", ""), 0): _Level(
            whole(value(level, "start"), 1),
            value(level, "numFmt") or "decimal",
            value(level, "lvlText"),
            value(level, "pStyle"),
        )
        for level in node.iter(f"{_W}lvl")
    }


def _starts(node: etree._Element) -> dict[int, int]:
    return {
        whole(override.get(f"{_W}ilvl", ""), 0): whole(start, 1)
        for override in node.iter(f"{_W}lvlOverride")
        if (start := value(override, "startOverride"))
    }


def value(node: etree._Element, tag: str) -> str:
    """What Word calls the value of a child; "" without it."""
    child = node.find(f"{_W}{tag}")
    return "" if child is None else str(child.get(f"{_W}val", ""))
