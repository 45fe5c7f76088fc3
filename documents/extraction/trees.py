"""Parses XML and HTML safely: nothing is fetched, entities can't explode, nothing is cut off
silently."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from lxml import etree

from documents.exceptions import CorruptFile, TooComplex

_OF_HEAD = frozenset({
    "base", "basefont", "bgsound", "link", "meta", "noscript", "script", "style", "template",
    "title",
})  # fmt: skip
_FRAMES = 8_000  # Python stack frames, for a page as deep as the parser allows: 2,048 levels


def xml_tree(data: bytes, *, entities: bool = False) -> etree._Element:
    """The root of an XML document, repaired if it is damaged.

    `entities`: expand those that the document itself defines; external ones never are. Raises
    CorruptFile, or TooComplex for more than 256 levels, texts over 10 MB and exploding entities.
    """
    parser = etree.XMLParser(
        resolve_entities="internal" if entities else False, no_network=True, recover=True
    )
    return _whole(etree.fromstring(data, parser), parser)


def html_tree(text: str) -> etree._Element:
    """The root of a web page; empty if it has no elements. Raises TooComplex over 2,048 levels."""
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, recover=True, remove_comments=True, huge_tree=True
    )
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    if root is None:
        return _whole(etree.Element("html"), parser)
    _begin_body(root)
    return _whole(root, parser)


def _begin_body(root: etree._Element) -> None:
    """Remove elements from the head that the HTML 4 parser would take for the start of the body."""
    head = root.find("head")
    rest = [node for node in (head if head is not None else ()) if node.tag not in _OF_HEAD]
    if rest:
        body = root.find("body")
        body = etree.SubElement(root, "body") if body is None else body
        rest[-1].tail, body.text = f"{rest[-1].tail or ''}{body.text or ''}", None
        body[:0] = rest


def _whole(root: etree._Element | None, parser: etree._FeedParser) -> etree._Element:
    """The root, unless the parser stopped in the middle at one of its limits."""
    if any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        raise TooComplex
    if root is None:
        raise CorruptFile
    return root


@contextmanager
def room_for_depth() -> Iterator[None]:
    """For recursion in pure Python, which uses no more C stack however deep it goes."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
