r"""Rearranges an RTF's groups for pandoc, which drops headers and footers, takes style names for
text, and fails on a missing brace. Binary data, whose length `\binN` gives, is left out: the length
would be wrong once characters in it were rewritten."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_MARK = re.compile(
    r"\\[\\{}]|\\bin(?P<size>\d{1,9}) ?|(?P<close>\})(?P<pard>\s*\\pard(?![a-z]))?"
    r"|(?P<open>\{)(?:\\(?P<name>stylesheet|header|footer|listtext|pntext)[lrf]?(?![a-z]))?"
)
_PAGE_NUMBER = re.compile(
    r"\{\\field[^{}]*\{\\\*\\fldinst[^}]*?\b(?:PAGE|NUMPAGES|SECTIONPAGES)\b.*?\{\\fldrslt"
    r"(?:[^{}]|\{[^{}]*\})*\}\s*\}",
    re.DOTALL,
)
_CONTROL = re.compile(r"\\'[0-9a-f]{2}|\\[a-z]+-?\d* ?|[{}\s]")
_ITEMS = {"listtext", "pntext"}
_LONGEST_MARGIN = 20_000  # characters; the search for page numbers takes quadratic time


@dataclass(slots=True)
class _Sorted:
    """Pieces of the text, and those of its open groups."""

    body: list[str] = field(default_factory=list)
    footers: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    outer: list[tuple[str, list[str]]] = field(default_factory=list)
    inside: bool = False  # a named group
    numbered: bool = False  # the last thing was a list item's number

    def add(self, text: str) -> None:
        self.numbered = self.numbered and not text.strip()
        self.body.append(text)

    def open(self, name: str, said: str) -> None:
        """Begin a group. A group in a named one is part of it, whatever its own name."""
        named = "" if self.inside else name
        self.outer.append((named, self.body))
        if named:
            self.body, self.inside = [], True
        else:
            self.add(said)

    def close(self, pard: str) -> None:
        """End a group. A `pard` after a list item's number would separate it from the item."""
        name, outer = self.outer.pop()
        if name:
            text, self.body, self.inside = "".join(self.body), outer, False
            self._place(name, text)
        else:
            self.body.append("}")
        self.numbered = self.numbered or name in _ITEMS
        self.body.append("" if self.numbered else pard)

    def _place(self, name: str, text: str) -> None:
        if name in _ITEMS:
            self.body.append(rf"{{\{name}{text}}}")
        elif name != "stylesheet" and self._is_new(text := _without_page_number(text)):
            (self.body if name == "header" else self.footers).append(rf"{{\pard {text}\par}}")

    def _is_new(self, text: str) -> bool:
        """Whether the text is not empty and differs from all other headers and footers."""
        said = _CONTROL.sub("", text)
        is_new = said not in self.seen and any(map(str.isalpha, said))
        self.seen.add(said)
        return is_new


def _without_page_number(text: str) -> str:
    return _PAGE_NUMBER.sub("", text) if len(text) < _LONGEST_MARGIN else text


def sorted_out(text: str) -> str:
    """The RTF with headers in place and footers at the end, each once.

    Without its style sheet and binary data, and with all groups closed.
    """
    found = _Sorted()
    for piece, mark in _pieces(text[:6] + text[6:].replace(r"{\rtf1", "{")):
        found.add(piece)
        if mark is None or mark["size"]:
            continue
        if mark["open"]:
            found.open(mark["name"] or "", mark[0])
        elif not mark["close"]:
            found.add(mark[0])
        elif len(found.outer) > 1:  # the last brace ends the document, not this one
            found.close(mark["pard"] or "")
    while len(found.outer) > 1:
        found.close("")
    return "".join([*found.body, *found.footers, "}"])


def _pieces(text: str) -> Iterator[tuple[str, re.Match[str] | None]]:
    """What precedes each match, and the match; then the rest."""
    at = 0
    while (mark := _MARK.search(text, at)) is not None:
        yield text[at : mark.start()], mark
        at = mark.end() + int(mark["size"] or 0)
    yield text[at:], None
