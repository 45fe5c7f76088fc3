"""List markers from a page's own style sheets, in simple cases.

Not a CSS engine: only rules whose selector is a single element, class or id count. Those for all
lists are ignored if other rules, or external style sheets, may override them.
"""

import re
from collections.abc import Iterator

from lxml import etree

from documents.extraction.web.text import tag_of

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_SAID = re.compile(r"list-style(?:-type)?\s*:[^;]*", re.IGNORECASE)
_NONE = re.compile(r"\bnone\b", re.IGNORECASE)
_PLAIN = re.compile(r"(ol|ul|li)?(?:([.#])([\w-]+))?", re.IGNORECASE)

Name = tuple[str, str, str]  # "ol" or "", "." or "#" or "", the class or id
Rule = tuple[str, str]  # a selector, and its declarations for lists


def apply_list_styles(root: etree._Element) -> None:
    """Write the applicable rules into lists and items, after their own declarations."""
    sheets = [sheet.text or "" for sheet in root.iter("{*}style")]
    if not any("list-style" in sheet for sheet in sheets):
        return
    rules = list(_rules("\n".join(sheets)))
    found = dict(_plain(rules))
    if any(map(_may_say_more, rules)) or any(map(_is_elsewhere, root.iter("{*}link", "{*}style"))):
        found = {name: said for name, said in found.items() if name[2]}
    for node in root.iter("{*}ol", "{*}li") if found else ():
        if said := next((found[name] for name in _names(node) if name in found), ""):
            node.set("style", f"{node.get('style', '')};{said}")


def _rules(sheet: str) -> Iterator[Rule]:
    """The rules about lists, except those within media queries."""
    depth = 0
    for block in _COMMENT.sub("", sheet).split("}"):
        selectors, *inner = block.split("{")
        if len(inner) == 1 and not depth and (said := _SAID.search(inner[0])):
            for selector in selectors.split(","):
                yield selector.strip(), said[0]
        depth = max(depth + len(inner) - 1, 0)


def _plain(rules: list[Rule]) -> Iterator[tuple[Name, str]]:
    for selector, said in rules:
        if match := _PLAIN.fullmatch(selector):
            yield ((match[1] or "").lower(), match[2] or "", match[3] or ""), said


def _may_say_more(rule: Rule) -> bool:
    """Whether a rule that is not understood may restore the markers of lists."""
    return not _PLAIN.fullmatch(rule[0]) and not _NONE.search(rule[1])


def _is_elsewhere(node: etree._Element) -> bool:
    return "stylesheet" in node.get("rel", "").lower() or "@import" in (node.text or "")


def _names(node: etree._Element) -> Iterator[Name]:
    """The selectors that may match an element, the most specific first."""
    tag = tag_of(node)
    named = [("#", node.get("id", "")), *((".", name) for name in node.get("class", "").split())]
    for sign, name in named:
        yield from ((tag, sign, name), ("", sign, name))
    yield tag, "", ""
