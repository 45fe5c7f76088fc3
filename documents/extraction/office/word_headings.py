"""Headings in Word documents without heading styles: lines in bold above text."""

from collections.abc import Set
from itertools import pairwise

from lxml import etree

from documents.extraction.office.word_styles import Role, Styles
from documents.extraction.web.headings import could_be_heading

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_P = f"{_W}p"
_OFF = frozenset({"0", "false", "off"})
_SHARE = 3  # at most one paragraph in this many is bold, or it means something else


def bold_headings(body: etree._Element, styles: Styles) -> Set[etree._Element]:
    """The paragraphs that are such headings; none if some have a heading style."""
    if any(_role(node, styles).level and _text(node) for node in body.iterchildren(_P)):
        return frozenset()
    blocks = [node for node in body.iterchildren(_P, f"{_W}tbl") if _text(node)]
    bold = [node.tag == _P and _is_bold(node) for node in blocks]
    if sum(bold) * _SHARE > len(blocks):
        return frozenset()
    return {
        node
        for (node, is_bold), (_, goes_on) in pairwise(zip(blocks, bold, strict=True))
        if is_bold and not goes_on and _is_line(node, _role(node, styles))
    }


def _role(node: etree._Element, styles: Styles) -> Role:
    return styles.role(node.find(f"{_W}pPr"))


def _text(node: etree._Element) -> str:
    return "".join(node.itertext(f"{_W}t")).strip()


def _is_bold(paragraph: etree._Element) -> bool:
    runs = [run for run in paragraph.iter(f"{_W}r") if _text(run)]
    marks = [run.find(f"{_W}rPr/{_W}b") for run in runs]
    return bool(marks) and all(
        mark is not None and mark.get(f"{_W}val") not in _OFF for mark in marks
    )


def _is_line(paragraph: etree._Element, role: Role) -> bool:
    return not role.list_id and could_be_heading(_text(paragraph))
