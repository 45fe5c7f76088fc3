"""Cell texts of .xlsx with superscripts (10²), which the workbook library reports as plain text."""

import re
from collections.abc import Iterator
from functools import lru_cache

from lxml import etree

from documents.extraction.superscripts import subscript_last, superscript_last
from documents.extraction.trees import xml_tree

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_S = f"{{{_MAIN}}}"
_PLACED = b"vertAlign"  # property of superscript and subscript runs
_SHARED = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,7})"(?: [^<>]{0,99})? t="s"[^<>]{0,99}>\s*<v>(\d{1,9})</v>'
)
_OWN = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,7})"(?: [^<>]{0,99})? t="inlineStr"[^<>]{0,99}>\s*<is>(.*?)</is>',
    re.DOTALL,
)

Cell = tuple[int, int]  # row and column, from 0


def shared_texts(data: bytes) -> dict[int, str]:
    """The shared strings that superscripts or subscripts change, by index."""
    if _PLACED not in data:
        return {}
    return {
        at: text
        for at, node in enumerate(xml_tree(data).iterfind(f"{_S}si"))
        if next(node.iter(f"{_S}vertAlign"), None) is not None
        and (text := _text(node)) != "".join(node.itertext(f"{_S}t")).strip()
    }


def cell_texts(sheet: bytes, shared: dict[int, str]) -> Iterator[tuple[Cell, str]]:
    """Cells with one of the shared strings, and inline strings of the same kind."""
    for column, row, at in _SHARED.findall(sheet) if shared else ():
        if int(at) in shared:
            yield (int(row) - 1, column_of(column)), shared[int(at)]
    for column, row, text in _OWN.findall(sheet) if _PLACED in sheet else ():
        if _PLACED in text:
            node = xml_tree(b'<is xmlns="%s">%s</is>' % (_MAIN.encode(), text))
            yield (int(row) - 1, column_of(column)), _text(node)


def _text(node: etree._Element) -> str:
    texts: list[str] = []
    for run in node.iterfind(f"{_S}r"):
        start, said = len(texts), run.find(f"{_S}rPr/{_S}vertAlign")
        texts.append(run.findtext(f"{_S}t") or "")
        place = said.get("val") if said is not None else None
        if place == "superscript":
            superscript_last(texts, start)
        elif place == "subscript":
            after = run.getnext()
            subscript_last(
                texts, start, (after.findtext(f"{_S}t") or "") if after is not None else ""
            )
    return "".join(texts).replace("_x000D_", "").strip()


@lru_cache(1000)
def column_of(letters: bytes) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + letter - 64
    return column - 1
