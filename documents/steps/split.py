"""split_text: from elements to passages that make sense on their own."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from documents.extraction.elements import Element, Extracted, Passage
from documents.extraction.pieces import Piece, pieces_of, sentence_starts
from documents.extraction.tokens import estimate_tokens

_SEPARATOR = " › "
_LONGEST_HEADING = 160  # characters of one heading that go into the context
_LONGEST_HEADER = 400  # characters of a table's header row, likewise
_DEEPEST = 4  # innermost headings, likewise


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    text: str
    start: int


@dataclass(slots=True)
class _Group:
    """Pieces that become one passage."""

    path: tuple[_Heading, ...]  # the headings above its last piece
    head: tuple[_Heading, ...]  # the headings above its first piece that is no heading
    pieces: list[Piece] = field(default_factory=list)
    tokens: int = 0
    only_titles: bool = True

    def add(self, piece: Piece) -> None:
        self.pieces.append(piece)
        self.tokens += piece.tokens
        self.only_titles = self.only_titles and piece.kind == "title"

    def join(self, later: "_Group") -> None:
        self.path = later.path
        self.head = later.head if self.only_titles else self.head
        self.pieces += later.pieces
        self.tokens += later.tokens
        self.only_titles = self.only_titles and later.only_titles


def split_kept(text: str, elements: str, **options: Any) -> list[Passage]:
    """`split_text` for a text whose elements are JSON, each a list of its fields."""
    parts = tuple(Element(*fields) for fields in json.loads(elements))
    return split_text(Extracted(text=text, elements=parts), **options)


def split_text(
    extracted: Extracted, *, size: int, overlap: int, strategy: str = "by_title"
) -> list[Passage]:
    """Cut a document into passages of at most about `size` tokens, context not counted.

    `by_title` (the default): passages follow the document's headings; paragraphs, list items, code
    and tables stay whole where they fit. Where a paragraph had to be cut, the next passage repeats
    the last whole sentences before the cut, up to `overlap` tokens; between whole paragraphs that
    would only blur what each is about. `plain`: passages are filled one after another, whatever
    headings they meet, and each repeats the last whole sentences of the one before.
    Together the passages cover every element. Raises KeyError for any other strategy.
    """
    group = _GROUPERS[strategy]
    groups = group(extracted, size, overlap)
    return list(_passages(extracted.text, groups, size, overlap, always=strategy == "plain"))


def _by_title(extracted: Extracted, size: int, overlap: int) -> list[_Group]:
    groups: list[_Group] = []
    for path, elements in _sections(extracted):
        groups.extend(_packed(extracted.text, path, elements, size, overlap))
    return _merged(groups, size)


def _plain(extracted: Extracted, size: int, overlap: int) -> list[_Group]:
    room = size - min(overlap, size // 2)  # the repeated text is added
    groups: list[_Group] = []
    for one in _with_titles(_singles(extracted, size, overlap), room):
        if groups and groups[-1].tokens + one.tokens <= room:
            groups[-1].join(one)
        else:
            groups.append(one)
    return groups


def _singles(extracted: Extracted, size: int, overlap: int) -> Iterator[_Group]:
    """One group per piece."""
    for path, elements in _sections(extracted):
        for element in elements:
            for piece in pieces_of(extracted.text, element, size=size, overlap=overlap):
                one = _Group(path, path)
                one.add(piece)
                yield one


def _with_titles(singles: Iterable[_Group], room: int) -> Iterator[_Group]:
    """Join headings with what follows them, if both fit."""
    titles: _Group | None = None
    for one in singles:
        if titles is not None and titles.tokens + one.tokens > room:
            yield titles
            titles = None
        if titles is not None:
            titles.join(one)
        current = titles or one
        titles = current if current.only_titles else None
        if titles is None:
            yield current
    if titles is not None:
        yield titles


_GROUPERS = {"by_title": _by_title, "plain": _plain}
STRATEGIES = tuple(_GROUPERS)


def _sections(extracted: Extracted) -> Iterator[tuple[tuple[_Heading, ...], list[Element]]]:
    """Runs of elements under the same headings; the heading itself is the first of its run."""
    path: tuple[_Heading, ...] = ()
    section: list[Element] = []
    for element in extracted.elements:
        if element.kind == "title":
            if section:
                yield path, section
            section = []
            above = tuple(heading for heading in path if heading.level < element.level)
            text = " ".join(extracted.text[element.start : element.end].split())
            path = (*above, _Heading(element.level, text, element.start))
        section.append(element)
    if section:
        yield path, section


def _packed(
    text: str, path: tuple[_Heading, ...], elements: Iterable[Element], size: int, overlap: int
) -> Iterator[_Group]:
    """One section's groups: short pieces together, long ones alone."""
    group = _Group(path, path)
    for element in elements:
        for piece in pieces_of(text, element, size=size, overlap=overlap):
            if group.pieces and not _fits(group, piece, size):
                yield group
                group = _Group(path, path)
            group.add(piece)
    yield group


def _fits(group: _Group, piece: Piece, size: int) -> bool:
    together = group.tokens + piece.tokens
    if together > size:
        return False
    if group.only_titles or _tiny(group, size) or piece.tokens < size // 16:
        return True
    good = size // 2
    return group.tokens < good and piece.tokens < good and together <= size * 3 // 4


def _tiny(group: _Group, size: int) -> bool:
    return group.only_titles or group.tokens < size // 8


def _merged(groups: Iterable[_Group], size: int) -> list[_Group]:
    """Join mere titles and tiny leftovers with a neighbour, in their section or a nearby one."""
    merged: list[_Group] = []
    for group in groups:
        _settle_titles(merged, group.path, size)
        if merged and _should_join(merged[-1], group, size):
            merged[-1].join(group)
        else:
            merged.append(group)
    _settle_titles(merged, (), size)
    return merged


def _settle_titles(merged: list[_Group], following: tuple[_Heading, ...], size: int) -> None:
    """Join headings without a text with what is before them, if that is closer in the outline."""
    if len(merged) < 2 or not merged[-1].only_titles:
        return
    before, titles = merged[-2:]
    nearer = _shared(before.path, titles.path) > _shared(titles.path, following)
    if (nearer or not following) and before.tokens + titles.tokens <= size:
        before.join(merged.pop())


def _shared(one: tuple[_Heading, ...], other: tuple[_Heading, ...]) -> int:
    """How many headings are above both."""
    return sum(a == b for a, b in zip(one, other, strict=False))


def _should_join(last: _Group, group: _Group, size: int) -> bool:
    together = last.tokens + group.tokens
    if together > size:
        return False
    if last.only_titles:
        return True
    if last.path == group.path:
        return _tiny(group, size) or _tiny(last, size)
    below = group.path[: len(last.path)] == last.path
    if _tiny(last, size):
        return below
    return _tiny(group, size) and not group.only_titles and below and together <= size // 2


def _passages(
    text: str, groups: Iterable[_Group], size: int, overlap: int, *, always: bool
) -> Iterator[Passage]:
    """`always` repeats the end of the previous passage, not only where a paragraph was cut."""
    before: _Group | None = None
    for index, group in enumerate(groups):
        first, last = group.pieces[0], group.pieces[-1]
        if before is not None and (always or first.continues):
            budget = min(overlap, size - group.tokens)
            first = _reaching_back(text, before, first, budget)
        yield Passage(
            index=index,
            start=first.start,
            end=last.end,
            page_start=first.page,
            page_end=last.page,
            headings=tuple(heading.text for heading in group.head),
            context=_context(group, first),
        )
        before = group


def _reaching_back(text: str, before: _Group, first: Piece, budget: int) -> Piece:
    """The first piece, extended by as many whole sentences before it as `budget` tokens allow."""
    last = before.pieces[-1]
    if budget <= 0 or last.kind not in {"text", "list_item"} or first.kind in {"table", "title"}:
        return first
    # Or both passages would begin at the same place.
    whole = not first.continues and len(before.pieces) > 1
    for start in sentence_starts(text, last.start, last.end):
        if (whole or start > last.start) and estimate_tokens(text[start : last.end]) <= budget:
            return replace(first, start=start, page=last.page)
    return first


def _context(group: _Group, first: Piece) -> str:
    """The headings above the passage that are not in it, and its table's header."""
    above = [heading.text for heading in group.head if heading.start < first.start]
    path = _SEPARATOR.join(text[:_LONGEST_HEADING] for text in above[-_DEEPEST:])
    header = first.header[:_LONGEST_HEADER]
    return "\n".join(filter(None, (path, header)))
