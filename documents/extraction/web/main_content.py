"""The main content of a web page, and the heading above it."""

from collections.abc import Iterator
from itertools import islice

from lxml import etree

from documents.extraction.web.text import DROPPED, is_hidden, tag_of

_LOOKED_AT = 20  # headings, each of which may be nested deeply


def main_part(root: etree._Element) -> etree._Element:
    """The page's `main` element, if it holds most of the text."""
    mains = root.findall(".//{*}main")
    if len(mains) != 1:
        return root
    inside, everything = (len("".join(node.itertext())) for node in (mains[0], root))
    return mains[0] if inside * 2 > everything else root


def heading_above(root: etree._Element, main: etree._Element) -> Iterator[etree._Element]:
    """The page's main heading, if it precedes a main part that has none.

    Logos are no headings, nor is anything in a site's menu or banner.
    """
    if main is root or main.find(".//{*}h1") is not None:
        return
    for node in islice(root.iter("{*}h1", "{*}main"), _LOOKED_AT):
        if node is main:
            return
        if "".join(node.itertext()).strip() and not _is_left_out(node):
            yield node
            return


def _is_left_out(node: etree._Element) -> bool:
    within = [node, *node.iterancestors()]
    return any(tag_of(each) in DROPPED or is_hidden(each) for each in within)
