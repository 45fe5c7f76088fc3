"""The main content of a web page, and the heading above it."""

from collections.abc import Iterator
from itertools import islice

from lxml import etree

from documents.extraction.web.text import DROPPED, FURNITURE, is_hidden, tag_of

_LOOKED_AT = 20  # headings, each of which may be nested deeply


def main_part(root: etree._Element) -> etree._Element:
    """The page's `main` element, if it holds most of the text."""
    mains = root.findall(".//{*}main")
    if len(mains) != 1:
        return root
    return mains[0] if _letters(mains[0]) * 2 > _letters(root) else root


def open_wrappers(root: etree._Element) -> None:
    """Make a menu or banner that holds most of the page a part of it: its end tag is missing."""
    wrappers = [*root.iter("{*}nav", "{*}noscript"), *root.iterfind(".//*[@role]")]
    wrappers = [
        each for each in wrappers if tag_of(each) in DROPPED or each.get("role") in FURNITURE
    ]
    everything = _paragraphs(root) if wrappers else 0
    for node in wrappers:
        if _paragraphs(node) * 2 > everything:
            node.tag = "div"
            node.attrib.pop("role", None)


def _paragraphs(node: etree._Element) -> int:
    return sum(_letters(each) for each in node.iter("{*}p"))


def _letters(node: etree._Element) -> int:
    """The length of the text in it, without scripts."""
    scripts = sum(len(each.text or "") for each in node.iter("{*}script", "{*}style"))
    return len("".join(node.itertext())) - scripts


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
