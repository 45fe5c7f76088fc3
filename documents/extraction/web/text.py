"""Element names, visibility and visible text of parts of a web page."""

import re
from functools import lru_cache

from lxml import etree

from documents.extraction.mathml import formula
from documents.extraction.superscripts import subscript_last, superscript_last
from documents.extraction.web.lists import Numbers

DROPPED = frozenset({
    "script", "style", "noscript", "template", "svg", "nav", "head", "iframe", "object", "embed",
    "select", "button", "input", "textarea", "audio", "video", "canvas", "map", "del", "header:ix",
    "hidden:ix",
})  # fmt: skip
BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dialog", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5",
    "h6", "header", "hr", "html", "legend", "li", "main", "ol", "p", "pre", "section", "summary",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
})  # fmt: skip
FURNITURE = frozenset({"navigation", "search", "banner", "menu", "doc-backlink"})  # ARIA roles
_MARKED = frozenset({"sup", "sub", "rt", "q", "s", "strike"})
_TWINS = frozenset({"span", "a", "i", "b"})  # visible copies of text for screen readers
_MARKED_BY = re.compile(r"vertical-align\s*:\s*(sup|sub)(?:er)?\b", re.IGNORECASE)
_QUOTES = ('"', "“", "„", "«", "‘", "「")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_DISPLAYED = re.compile(r"\A\{\\displaystyle (.*)\}\Z", re.DOTALL)  # MediaWiki's formulas


def tag_of(node: etree._Element) -> str:
    """Local name in lower case; "" for comments and the like. iXBRL's become `name:ix`."""
    tag = node.tag
    return _name(tag) if isinstance(tag, str) else ""


@lru_cache(1024)
def _name(tag: str) -> str:
    name = tag.rpartition("}")[2].lower()
    return f"{name[3:]}:ix" if name.startswith("ix:") else name


def text_of(node: etree._Element) -> str:
    """All visible text under a node; line breaks are kept, blocks separated by a blank."""
    texts: list[str] = []
    _gather(node, texts)
    return "".join(texts)


def _gather(node: etree._Element, texts: list[str]) -> None:
    texts.append(node.text or "")
    numbers: Numbers | None = None
    for child in node:
        tag = tag_of(child)
        if tag in _SAID:
            texts.append(_SAID[tag](child))
        elif tag and tag not in DROPPED and not is_hidden(child):
            apart = " " if tag in BLOCKS else ""
            texts.append(apart)
            if tag == "li":
                numbers = numbers or Numbers(node, ordered=tag_of(node) == "ol")
                texts.append(numbers.lead(child))
            if kind := mark_of(child, tag):
                _gather_marked(child, kind, texts)
            else:
                _gather(child, texts)
            texts.append(apart)
        texts.append(child.tail or "")


def _gather_marked(node: etree._Element, tag: str, texts: list[str]) -> None:
    start = len(texts)
    _gather(node, texts)
    mark(node, tag, texts, start)


def mark_of(node: etree._Element, tag: str) -> str:
    """The element that sets off its text from its surroundings, such as "sup"; "" if none."""
    if tag in _MARKED:
        return tag
    style = node.get("style") if tag == "span" else None
    marked = _MARKED_BY.search(style) if style else None
    return marked[1].lower() if marked else ""


def mark(node: etree._Element, tag: str, texts: list[str], start: int) -> None:
    """Mark superscripts, quotations, deletions and ruby readings in the text itself."""
    if tag == "sup":
        superscript_last(texts, start)
    elif tag == "sub":
        subscript_last(texts, start, node.tail or "")
    elif tag == "q":
        _enclose(texts, start, _quotes(node, texts[start:]))
    elif tag == "rt":
        _enclose(texts, start, "" if _is_bracketed(node) else "()")
    elif not node.tail or node.tail[0].isdigit():
        texts.append(" ")  # between an old price and the new one


def _quotes(node: etree._Element, texts: list[str]) -> str:
    """The quotation marks of a `q`, unless the page has its own."""
    if "".join(texts).lstrip().startswith(_QUOTES):
        return ""
    return "“”" if next(node.iterancestors("{*}q"), None) is None else "‘’"


def _enclose(texts: list[str], start: int, marks: str) -> None:
    if marks:
        texts.insert(start, marks[0])
        texts.append(marks[1])


def _is_bracketed(reading: etree._Element) -> bool:
    """Whether the page brackets the reading itself, for browsers without ruby."""
    before = reading.getprevious()
    return before is not None and tag_of(before) == "rp"


def said_of(picture: etree._Element) -> str:
    """The description of an image; MediaWiki's formulas as TeX."""
    return _DISPLAYED.sub(r"\1", picture.get("alt", ""))


def caption_of(figure: etree._Element) -> str:
    """The caption in one line; "" if it contains figures, which may be deeply nested."""
    caption = figure.find("{*}figcaption")
    if caption is None or next(caption.iterdescendants("{*}figure"), None) is not None:
        return ""
    return " ".join(text_of(caption).split())


def _said_within(picture: etree._Element) -> str:
    """The description within text, unless the image is only an icon of a link."""
    link = picture.getparent()
    alone = link is not None and tag_of(link) == "a" and len(link) == 1
    if alone and not f"{link.text or ''}{picture.tail or ''}".strip():
        return ""
    return said_of(picture)


_SAID = {"br": lambda _: "\n", "math": formula, "img": _said_within}


def is_hidden(node: etree._Element) -> bool:
    if not node.attrib:
        return False
    style = node.get("style")
    if node.get("hidden", "until-found") != "until-found" or node.get("role") in FURNITURE:
        return True
    if node.get("aria-hidden") == "true" and tag_of(node) in _TWINS:
        return True
    return bool(style and _HIDDEN.search(style))
