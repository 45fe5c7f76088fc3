"""Numbers of OpenDocument's list items and headings, which are not part of the text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from lxml import etree

from documents.extraction.numerals import whole, written
from documents.extraction.xml_packages import local_name

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_LIBREOFFICE = "{urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0}"
_ID = "{http://www.w3.org/XML/1998/namespace}id"
_KINDS = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman"}
_PLACE = re.compile(r"%(\d{1,2})%")
_OUTLINE = ""  # the list of headings
_DEEPEST = 10

Item = tuple[etree._Element, str | None]  # a paragraph, and its number if it begins an item


@dataclass(frozen=True, slots=True)
class _Level:
    start: int
    format: str  # "1", "a", "A", "i" or "I"; "" for bullets
    shape: str  # such as "%1%.%2%)"


@dataclass(slots=True)
class Lists:
    """The lists of a document, with their current counts."""

    styles: dict[str, dict[int, _Level]] = field(default_factory=dict)
    _counts: dict[str, dict[int, int]] = field(default_factory=dict)  # by id and by style

    def items(self, node: etree._Element, style: str = "", depth: int = 1) -> Iterator[Item]:
        """The paragraphs of a `text:list`, counted. `style` and `depth` are those of the outer
        list."""
        style = node.get(f"{_TEXT}style-name") or style
        counts = self._begun(node, style, depth)
        for item in node:
            number: str | None = None
            if local_name(item) == "list-item":
                number = self._next(style, depth, counts, item.get(f"{_TEXT}start-value", ""))
            for child in item:
                if child.tag in (f"{_TEXT}p", f"{_TEXT}h"):
                    yield child, number
                    number = None
                elif child.tag == f"{_TEXT}list" and depth < _DEEPEST:
                    yield from self.items(child, style, depth + 1)

    def heading(self, level: int) -> str:
        """The number of the next heading of a level."""
        counts = self._counts.setdefault(_OUTLINE, {})
        return self._next(_OUTLINE, level, counts, "")

    def _begun(self, node: etree._Element, style: str, depth: int) -> dict[int, int]:
        """The counts of a list, which may continue those of another."""
        goes_on = node.get(f"{_TEXT}continue-numbering") == "true" or depth > 1
        before = node.get(f"{_TEXT}continue-list", style if goes_on else "")
        counts = self._counts.get(before, {}) if before else {}
        if depth > 1 and node.get(f"{_TEXT}continue-numbering") != "true":
            counts.pop(depth, None)
        self._counts[style] = self._counts[node.get(_ID, style)] = counts
        return counts

    def _next(self, style: str, depth: int, counts: dict[int, int], start: str) -> str:
        levels = self.styles.get(style, {})
        level = levels.get(depth)
        if level is None:
            return ""
        counts[depth] = whole(start, counts.get(depth, level.start - 1) + 1)
        for deeper in [at for at in counts if at > depth]:
            del counts[deeper]
        return _PLACE.sub(lambda place: _shown(levels, counts, int(place[1])), level.shape)


def lists_of(*roots: etree._Element | None) -> Lists:
    """The list styles that a document defines."""
    found = Lists()
    tags = (f"{_TEXT}list-style", f"{_TEXT}outline-style")
    for node in chain.from_iterable(root.iter(*tags) for root in roots if root is not None):
        is_outline = local_name(node) == "outline-style"
        found.styles[_OUTLINE if is_outline else node.get(f"{_STYLE}name", "")] = _levels(node)
    return found


def _levels(node: etree._Element) -> dict[int, _Level]:
    return {
        at: _level(level, at) for level in node if (at := whole(level.get(f"{_TEXT}level", ""), 0))
    }


def _level(node: etree._Element, at: int) -> _Level:
    numbered = node.get(f"{_STYLE}num-format", "")
    start, shown = (
        whole(node.get(f"{_TEXT}{name}", ""), 1) for name in ("start-value", "display-levels")
    )
    places = ".".join(f"%{place}%" for place in range(max(at - shown, 0) + 1, at + 1))
    affixes = (node.get(f"{_STYLE}num-{name}", "") for name in ("prefix", "suffix"))
    shape = node.get(f"{_LIBREOFFICE}num-list-format") or places.join(affixes)
    return _Level(start, numbered, shape if numbered else "")


def _shown(levels: dict[int, _Level], counts: dict[int, int], at: int) -> str:
    level = levels.get(at)
    if level is None or not level.format:
        return ""
    return written(counts.get(at, level.start), _KINDS.get(level.format, "decimal"))
