"""Headings of web pages that are only bold lines."""

import re

from lxml import etree

_BOLD = re.compile(r"font-weight\s*:\s*(bold|[6-9]00)", re.IGNORECASE)
_PART = re.compile(
    r"(?:(part|chapter|book)|(item|section|article|appendix|note))\s+[\divxlc]+[a-z]?\b",
    re.IGNORECASE,
)
_LONGEST = 150


def is_bold(node: etree._Element, tag: str) -> bool:
    style = node.get("style")
    return tag in {"b", "strong"} or bool(style and _BOLD.search(style))


def could_be_heading(text: str) -> bool:
    return (
        len(text) <= _LONGEST
        and text.count("\n") < 2
        and any(char.isalpha() for char in text)
        and text[0] not in "(*"
        and text[-1] not in ".,;:。，；："
    )


def level_of(text: str) -> int:
    """The level of a bold-only heading: parts, then items, then others."""
    match = _PART.match(text)
    if match is None:
        return 5
    return 3 if match[1] else 4
