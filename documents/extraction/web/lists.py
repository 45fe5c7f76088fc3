"""Numbers of list items on web pages, which are not part of the text."""

import re

from lxml import etree

from documents.extraction.numerals import written

_UNSEEN = ""  # lists without markers
_KINDS = {
    "1": "decimal", "a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman",
    "decimal": "decimal", "decimal-leading-zero": "decimalZero", "lower-alpha": "lowerLetter",
    "lower-latin": "lowerLetter", "upper-alpha": "upperLetter", "upper-latin": "upperLetter",
    "lower-roman": "lowerRoman", "upper-roman": "upperRoman",
    **dict.fromkeys(("none", "disc", "circle", "square"), _UNSEEN),
}  # fmt: skip
_LONGEST = 40  # characters of a number with its punctuation
_STYLE = re.compile(r"list-style(?:-type)?\s*:([^;]*)", re.IGNORECASE)
_WHOLE = re.compile(r"\s*([+-]?\d{1,6})(?!\d)", re.ASCII)


class Numbers:
    """The numbers of one list's items, in order."""

    def __init__(self, node: etree._Element, *, ordered: bool) -> None:
        self._kind = _kind(node, "decimal") if ordered else _UNSEEN
        self._step = 1 if node.get("reversed") is None else -1
        first = 1 if self._step > 0 else sum(1 for _ in node.iterchildren("{*}li"))
        self._next = _whole(node.get("start", ""), first)

    def before(self, item: etree._Element) -> str:
        """The marker of the next item, such as "3."; "" for bullets."""
        if not self._kind:
            return ""
        number, kind = self._next, self._kind
        if item.attrib:
            number, kind = _whole(item.get("value", ""), number), _kind(item, kind)
        self._next = number + self._step
        return f"{written(number, kind)}." if kind else ""

    def lead(self, item: etree._Element) -> str:
        """The same followed by a blank, unless the item's text begins with it already."""
        number = self.before(item)
        return f"{number} " if number and not _begins(item.text or "", number) else ""


def numbered(number: str, text: str) -> str:
    """An item after its number, unless the text begins with the number."""
    return f"{number} {text}" if number and not _begins(text, number) else text


def _begins(text: str, number: str) -> bool:
    first, bare = text[:_LONGEST].split(maxsplit=1)[:1], number.removesuffix(".")
    return first in ([f"{bare}."], [f"{bare})"], [f"({bare})"])


def _kind(node: etree._Element, otherwise: str) -> str:
    if not node.attrib:
        return otherwise
    styles = _STYLE.search(node.get("style", ""))
    words = styles[1].split() if styles else [node.get("type", "")]
    return next((_KINDS[word] for word in words if word in _KINDS), otherwise)


def _whole(text: str, otherwise: int) -> int:
    said = _WHOLE.match(text) if text else None
    return int(said[1]) if said else otherwise


def leads_to_languages(node: etree._Element) -> bool:
    """Whether a list is a language menu: links to the same page in other languages."""
    items = node.findall("{*}li")
    return len(items) > 1 and all(
        link is not None and "hreflang" in link.attrib
        for link in (item.find("{*}a") for item in items)
    )
