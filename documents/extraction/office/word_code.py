"""Code in Word documents: paragraphs entirely in a monospaced font."""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from lxml import etree
from unstructured.documents.elements import CodeSnippet, Element

from documents.extraction import build
from documents.extraction.office.word_styles import Role, font_of

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_OF_ONE_WIDTH = (
    "courier", "consolas", "menlo", "monaco", "lucida console", "source code", "dejavu sans mono",
    "liberation mono", "andale mono", "fira code", "fira mono", "jetbrains mono", "cascadia",
    "sf mono", "roboto mono", "ubuntu mono", "inconsolata",
)  # fmt: skip
_SIGNS = re.compile(r"[(){}\[\]=;<>_$#|\\*@/]|^\s{2}")  # rare in prose


def fonts_tell(body: etree._Element) -> bool:
    """Whether monospaced fonts are the exception in this document, and so mean something."""
    fonts = (str(node.get(f"{_W}ascii", "")).lower() for node in body.iter(f"{_W}rFonts"))
    typed = sum(map(_is_typed, fonts))
    return typed * 2 < sum(1 for _ in body.iter(f"{_W}r"))


def is_code(paragraph: etree._Element, role: Role, *, by_font: bool) -> bool:
    if role.level or role.list_id:
        return False
    return role.code or (by_font and all(map(_is_typed, _fonts(paragraph, role))))


def _fonts(paragraph: etree._Element, role: Role) -> list[str]:
    runs = paragraph.iter(f"{_W}r")
    shown = (run for run in runs if run.find(f"{_W}t") is not None)
    return [font_of(run.find(f"{_W}rPr")) or role.font for run in shown] or [""]


def _is_typed(font: str) -> bool:
    return font.startswith(_OF_ONE_WIDTH)


def joined(elements: Iterable[Element]) -> Iterator[Element]:
    """Consecutive lines of code as one element; prose in a monospaced font as prose."""
    for is_code, run in groupby(elements, key=lambda each: isinstance(each, CodeSnippet)):
        if is_code:
            yield from _block([element.text for element in run])
        else:
            yield from run


def _block(lines: list[str]) -> Iterator[Element]:
    if any(map(_SIGNS.search, lines)):
        yield build.code("\n".join(lines))
    else:
        yield from map(build.paragraph, lines)
