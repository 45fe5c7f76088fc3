"""split_text: from elements to passages that are worth finding on their own."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from documents.extraction.elements import Element, Extracted, Passage
from documents.extraction.pieces import Piece, pieces_of, sentence_starts
from documents.extraction.tokens import estimate_tokens

_SEPARATOR = " › "
_LONGEST_HEADING = 160  # characters of one heading that go into the context
_LONGEST_HEADER = 400  # characters of a table's header row that do
_DEEPEST = 4  # innermost headings that do


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    text: str
    start: int


@dataclass(slots=True)
class _Group:
    """Pieces that become one passage, and the headings above them."""

    path: tuple[_Heading, ...]
    pieces: list[Piece] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        return sum(piece.tokens for piece in self.pieces)

    @property
    def only_titles(self) -> bool:
        return all(piece.kind == "title" for piece in self.pieces)


def split_text(extracted: Extracted, *, size: int, overlap: int) -> list[Passage]:
    """Cut a document into passages of at most about `size` tokens, context not counted.

    Passages follow the document's headings; paragraphs, list items, code and tables stay whole
    where they fit. Where a paragraph had to be cut, the next passage repeats the last whole
    sentences before the cut, up to `overlap` tokens; between whole paragraphs that would only blur
    what each is about. Together the passages cover every element.
    """
    groups: list[_Group] = []
    for path, elements in _sections(extracted):
        groups.extend(_packed(extracted.text, path, elements, size, overlap))
    return list(_passages(extracted.text, _merged(groups, size), size, overlap))


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
    """One section's groups: short pieces together, a piece that is a good passage by itself."""
    group = _Group(path)
    for element in elements:
        for piece in pieces_of(text, element, size=size, overlap=overlap):
            if group.pieces and not _fits(group, piece, size):
                yield group
                group = _Group(path)
            group.pieces.append(piece)
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


def _merged(groups: Sequence[_Group], size: int) -> list[_Group]:
    """Let mere titles and tiny leftovers join a neighbour: of their section, else of a near one."""
    merged: list[_Group] = []
    for group in groups:
        last = merged[-1] if merged else None
        if last is not None and _should_join(last, group, size):
            merged[-1] = _Group(_common(last.path, group.path), last.pieces + group.pieces)
        else:
            merged.append(group)
    return merged


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


def _common(one: tuple[_Heading, ...], other: tuple[_Heading, ...]) -> tuple[_Heading, ...]:
    """The headings above both, or all of the second's when the first leads to it."""
    if other[: len(one)] == one:
        return other if len(one) < len(other) else one
    shared = [a for a, b in zip(one, other, strict=False) if a == b]
    return tuple(shared)


def _passages(text: str, groups: Sequence[_Group], size: int, overlap: int) -> Iterator[Passage]:
    before: _Group | None = None
    for index, group in enumerate(groups):
        first, last = group.pieces[0], group.pieces[-1]
        if before is not None and first.continues:
            first = _reaching_back(
                text, before.pieces[-1], first, min(overlap, size - group.tokens)
            )
        yield Passage(
            index=index,
            start=first.start,
            end=last.end,
            page_start=first.page,
            page_end=last.page,
            headings=tuple(heading.text for heading in group.path),
            context=_context(group, first),
        )
        before = group


def _reaching_back(text: str, before: Piece, first: Piece, budget: int) -> Piece:
    """The first piece with as many of the whole sentences before it as the budget allows."""
    if budget <= 0 or before.kind not in {"text", "list_item"} or first.kind in {"table", "title"}:
        return first
    for start in sentence_starts(text, before.start, before.end):
        if start > before.start and estimate_tokens(text[start : before.end]) <= budget:
            return replace(first, start=start, page=before.page)
    return first


def _context(group: _Group, first: Piece) -> str:
    """The headings that stand before the passage rather than in it, and its table's header."""
    above = [heading.text for heading in group.path if heading.start < first.start]
    path = _SEPARATOR.join(text[:_LONGEST_HEADING] for text in above[-_DEEPEST:])
    header = first.header[:_LONGEST_HEADER]
    return "\n".join(filter(None, (path, header)))
