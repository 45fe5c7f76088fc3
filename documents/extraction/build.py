"""Makes the elements that readers yield: unstructured's classes, as `assemble` expects them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

from unstructured.documents.elements import (
    CodeSnippet,
    Element,
    ElementMetadata,
    ListItem,
    NarrativeText,
    Table,
    Title,
)

_NUMBER = re.compile(r"[\s(+\-–$€£¥%]*\d[\d\s.,:/%()\-–]*\S{0,3}$")
_YEAR = re.compile(r"(?:19|20)\d\d$")
# A path, a file's name, or what programs call any picture.
_UNSAID = re.compile(
    r"\S*[\\/]\S*|[a-z]:\\.*|\S*\.\w{3,4}|.*\.(?:png|jpe?g|gif|[ew]mf|bmp|tiff?)"
    r"|(?:picture|image|photo|graphic)\s*\d*",
    re.IGNORECASE,
)
_BY_MACHINE = re.compile(
    r"\s*(?:Description automatically generated(?: with \w+ confidence)?"
    r"|AI-generated content may be incorrect\.?)\s*$"
)
_INNERMOST = 10  # heading level: for each passage the headings above are looked up
_ROWS_AT_ONCE = 1_000


@lru_cache(4096)
def _metadata(page: int | None, depth: int | None = None) -> ElementMetadata:
    """Shared, because making it takes longer than making the element. Never change it."""
    return ElementMetadata(page_number=page, category_depth=depth)


def title(text: str, level: int, page: int | None = None) -> Element:
    """A heading of level 1 (outermost) to 10, as in OpenDocument."""
    depth = min(max(level, 1), _INNERMOST) - 1
    return Title(text, metadata=_metadata(page, depth))


def paragraph(text: str, page: int | None = None) -> Element:
    return NarrativeText(text, metadata=_metadata(page))


def list_item(text: str, page: int | None = None) -> Element:
    return ListItem(text, metadata=_metadata(page))


def description(text: str, page: int | None = None) -> Iterator[Element]:
    """The description of a picture as a paragraph, unless it says nothing."""
    said = _BY_MACHINE.sub("", text).strip()
    if said and not _UNSAID.fullmatch(said):
        yield paragraph(said, page)


def code(text: str, page: int | None = None) -> Element:
    return CodeSnippet(text, metadata=_metadata(page))


def table(
    rows: Iterable[Sequence[str]], page: int | None = None, *, header: bool | str | None = None
) -> Element | None:
    """A table, one row per line, cells separated by " | ", without empty rows and columns.

    `header` is the header row if that is elsewhere, or says whether the first row is one; None
    means guess.
    """
    kept = [cells for row in rows if any(cells := _cells(row))]
    if not kept:
        return None
    if not isinstance(header, str):
        kept = _without_empty_columns(kept)
    lines = [" | ".join(row).rstrip(" |") for row in kept]
    metadata = ElementMetadata(page_number=page)
    if isinstance(header, str):
        metadata.table_header = header
    elif len(kept) > 1 and (looks_like_header(kept[0]) if header is None else header):
        metadata.table_header = lines[0]
    return Table("\n".join(lines), metadata=metadata)


def tables(rows: Iterable[Sequence[str]], page: int | None = None) -> Iterator[Element]:
    """A table of any length, as one element per _ROWS_AT_ONCE rows, with the same header."""
    source = iter(rows)
    header: bool | str | None = None
    while block := list(islice(source, _ROWS_AT_ONCE)):
        if len(block) == _ROWS_AT_ONCE and header is None:  # later rows may fill any column
            names = _cells(block[0])
            header = " | ".join(names) if looks_like_header(names) else ""
        made = table(block, page, header=header)
        if made is not None:
            yield made


def _cells(row: Sequence[str]) -> list[str]:
    return [" ".join(cell.split()) for cell in row]


def _without_empty_columns(rows: list[list[str]]) -> list[list[str]]:
    width = max(map(len, rows), default=0)
    used = [False] * width
    for row in rows:
        for at, cell in enumerate(row):
            if cell:
                used[at] = True
    if all(used):
        return rows
    return [[cell for at, cell in enumerate(row) if used[at]] for row in rows]


def looks_like_header(row: Sequence[str]) -> bool:
    """Whether these cells could be column names: short, with hardly any numbers."""
    filled = [cell for cell in row if cell]
    if len(filled) < 2 or len(filled) * 2 < len(row):
        return False
    numbers = sum(bool(_NUMBER.match(cell)) and not _YEAR.match(cell) for cell in filled)
    return numbers * 3 <= len(filled) and all(len(cell) <= 80 for cell in filled)
