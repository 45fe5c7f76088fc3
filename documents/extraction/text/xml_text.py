"""Texts of XML of an unknown schema: which elements are inline, and which are blocks."""

from collections.abc import Iterator
from itertools import groupby

from lxml import etree

from documents.extraction.web.text import BLOCKS, tag_of

_BREAK = "\x00"  # between two texts; it can't occur in XML
_AMID = 3  # inline elements per piece of a text; where there are more, they are blocks


def flows_of(root: etree._Element) -> Iterator[str]:
    """The texts in order. One with inline elements, as for bold type, stays whole."""
    if not any(map(_is_beside, root.iter())):  # as in data; this takes half the time
        yield from root.itertext(etree.Element)
        return
    pieces: list[str] = []
    _gather(root, pieces, runs_on=_is_prose(root))
    for is_break, texts in groupby(pieces, _BREAK.__eq__):
        if not is_break:
            yield "".join(texts)


def _is_beside(node: etree._Element) -> bool:
    """Whether text follows an element, or precedes those in it."""
    if (tail := node.tail) and not tail.isspace():
        return True
    text = node.text if len(node) else None
    return text is not None and not text.isspace()


def _gather(node: etree._Element, pieces: list[str], *, runs_on: bool) -> None:
    _add(node.text, pieces, runs_on=runs_on)
    are_apart = runs_on and len(node) > 1 and not _words(node)
    for child in node:
        if isinstance(child.tag, str):  # not a comment
            inline = runs_on and _is_inline(child)
            _part(pieces, inline=inline)
            _gather(child, pieces, runs_on=inline or _is_prose(child))
            _part(pieces, inline=inline)
        tail = " " if are_apart and child.getnext() is not None else ""
        _add(child.tail or tail, pieces, runs_on=runs_on)


def _add(text: str | None, pieces: list[str], *, runs_on: bool) -> None:
    if text and (runs_on or not text.isspace()):
        pieces.append(text)


def _part(pieces: list[str], *, inline: bool) -> None:
    if not inline and pieces and pieces[-1] is not _BREAK:
        pieces.append(_BREAK)


def _is_prose(node: etree._Element) -> bool:
    """Whether there is text beside the elements in it, not only a value."""
    words = _words(node) if len(node) else ()
    return len(words) * _AMID >= len(node) and any(len(f".{each}.".split()) > 1 for each in words)


def _words(node: etree._Element) -> list[str]:
    """The text directly in an element."""
    texts = (node.text, *(child.tail for child in node))
    return [text for text in texts if text and not text.isspace()]


def _is_inline(node: etree._Element) -> bool:
    """Whether an element amid text may be inline; lists and tables have nested elements."""
    if tag_of(node) in BLOCKS:
        return False
    if len(node) == 1:
        return True
    return _is_prose(node) or not any(len(child) for child in node)
