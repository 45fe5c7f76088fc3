"""From lines on pages to headings, paragraphs and list items."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, groupby, pairwise
from operator import sub

from unstructured.documents.elements import Element

from documents.extraction import build
from documents.extraction.lines import CJK, Line, Page, usual_size
from documents.extraction.pdf.margins import drop_running_lines, notes_last
from documents.extraction.pdf.reading_order import in_order
from documents.extraction.pdf.tables import without_tables
from documents.extraction.reading import Reading

Outline = dict[int, dict[str, int]]  # page number -> title without blanks -> level

_WINGDING, _LAST_WINGDING = "\uf06c", "\uf0ff"  # bullets of such fonts
_DOTS = rf"[•‣◦▪●–·∙*{_WINGDING}-{_LAST_WINGDING}-]"
_BULLET = re.compile(rf"(?:{_DOTS}|[■○□◆◾►❍❏❑❖✓✔➡➢➤]|\(?\d{{1,2}}[.)]|\([a-z]\)|[a-z]\))\s+\S")
_NUMBERED = re.compile(r"(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?|[IVX]{1,5}\.|[A-Z]\.?)\s+\S")
_SENTENCE_ENDS = (*".!?:;。！？：；",)
_CLOSING = "\"'”’)]⁰¹²³⁴⁵⁶⁷⁸⁹"
_HYPHENATED = re.compile(r"\b\w+-\w+\b")
_LEADER = re.compile(r"(?<!\.)(?<!\. ) ?\.(?: ?\.){3,}+ ?")  # a row of dots that leads to something
_ENTRY = re.compile(rf"{_LEADER.pattern}(\d+|[ivxlc]+)\s")  # of a table of contents
_WORD = re.compile(r"[^\W\d_]{3}|[\u3040-\u9fff\uac00-\ud7af]{2}")
_LARGER = 1.12  # times body text, for a heading
_SMALLER = 0.95
# Levels of headings in body-size type: numbered "1", "1.1" and "1.1.1", then unnumbered ones.
_BOLD_NUMBERED, _DEEPEST_NUMBERED, _BOLD = 5, 7, 8
_LONGEST_HEADING = 200
_MOST_LINES, _MOST_BOLD_LINES = 5, 2
_LOOSEST_HEADING = 1.7  # between the lines of a heading, in font sizes
_CLOSEST_HEADINGS = 1.6  # between two headings, in font sizes
_LABELS = 3
# List items, captions, addresses, entries of a table of contents, and text with a sentence end in
# its middle.
_NO_HEADING = re.compile(
    rf"^{_DOTS}\s"
    r"|^(?:fig(?:ure|\.)|table|listing|algorithm|abb(?:ildung|\.)|tab(?:elle|leau|\.)|[图表])\s*\d"
    r"|\S@\S|://|\w{3}[.!?] [A-Z]|[({]$| … ",
    re.IGNORECASE,
)


def elements_of_pages(
    reading: Reading, pages: Sequence[Page], outline: Outline
) -> Iterator[Element]:
    """The elements of a document's pages, without running heads and page numbers."""
    for page in pages:
        page.lines = in_order(page.lines, scanned=page.scanned)
    if dropped := drop_running_lines(pages):
        reading.details["dropped_repeats"] = dropped
    layout = _Layout(pages, outline)
    for page in pages:
        yield from layout.elements(notes_last(page.lines, layout.body))
        yield from layout.elements(page.sideways)
        if page.fields:
            yield build.paragraph("\n".join(page.fields), page.number)


class _Layout:
    """What is usual in this document, and therefore what stands out."""

    def __init__(self, pages: Sequence[Page], outline: Outline) -> None:
        lines = [line for page in pages for line in page.lines]
        self.outline = outline
        self.body = usual_size(lines)
        self.pitch = self._usual_pitch(pages)
        every = chain(lines, *(page.sideways for page in pages))
        sizes = sorted({line.size for line in every if self._is_larger(line)}, reverse=True)
        self.levels = {size: min(rank, 4) for rank, size in enumerate(sizes, 1)}
        self.compounds = {
            word.lower()
            for line in lines
            if "-" in line.text[:-1]
            for word in _HYPHENATED.findall(line.text[:-1])
        }

    def _usual_pitch(self, pages: Sequence[Page]) -> float:
        """The usual distance from one line of body text to the next, in font sizes."""
        pitches = (
            round((above.base - below.base) / self.body, 1)
            for page in pages
            for above, below in pairwise(page.lines)
            if above.size == below.size == self.body > 0
        )
        return _commonest(pitch for pitch in pitches if 0.8 < pitch < 3) or 1.2

    def _is_larger(self, line: Line) -> bool:
        return self.body > 0 and line.size > self.body * _LARGER and _could_be_heading(line.text)

    def elements(self, lines: Sequence[Line]) -> Iterator[Element]:
        """The elements of one page's lines, which are in reading order."""
        for part in without_tables(lines):
            if isinstance(part, list):
                blocks = list(self._blocks(part))
                levels = _without_labels([self._heading_level(block) for block in blocks])
                yield from map(self._element, blocks, levels)
            else:
                yield part

    def _blocks(self, lines: Sequence[Line]) -> Iterator[list[Line]]:
        block: list[Line] = []
        above = 0
        for line in lines:
            level = self._level(line)
            if above and self._goes_on(block[-1], line, above, level):
                level = above
            elif block and (level != above or self._begins(line, level, block)):
                yield block
                block = []
            block.append(line)
            above = level
        if block:
            yield block

    def _goes_on(self, before: Line, line: Line, above: int, level: int) -> bool:
        """Whether a line that is no heading by itself continues one, or continues larger or bold
        text that only began like a heading; such a block is judged as a whole."""
        if level and (_BOLD not in (above, level) or min(above, level) < _BOLD_NUMBERED):
            return False
        alike = before.size == line.size and before.bold == line.bold
        close = 0 < before.base - line.base < line.size * _CLOSEST_HEADINGS
        stands_out = line.bold or line.size > self.body * _LARGER
        return alike and close and stands_out and not _BULLET.match(line.text)

    def _begins(self, line: Line, level: int, block: Sequence[Line]) -> bool:
        """Whether a line begins a new element rather than continuing this one."""
        before = block[-1]
        if _BULLET.match(line.text):
            return True
        if level and _NUMBERED.match(line.text):
            return True
        ended = before.text.rstrip(_CLOSING).endswith(_SENTENCE_ENDS)
        if _moved(before, line):
            return ended or before.size != line.size or not line.text[0].islower()
        size = max(before.size, line.size)
        pitch = _LOOSEST_HEADING if level else self.pitch * 1.3
        if before.base - line.base > size * pitch:
            return True
        if abs(before.size - line.size) > size * 0.2 and len(line.text) > 3 < len(before.text):
            return True
        indented = line.left > max(before.left, block[0].left) + size * 0.8
        return ended and (indented or _stops_early(before, line, block))

    def _level(self, line: Line) -> int:
        """The heading level of a line that looks like a heading or part of one; otherwise 0."""
        if level := self._level_in_outline(line):
            return level
        if self._is_larger(line):
            return self.levels[line.size]
        bold = line.bold and line.size > self.body * _SMALLER
        if bold and _could_be_heading(line.text) and len(line.text) <= 100:
            return _level_of_number(line.text) or _BOLD
        return 0

    def _level_in_outline(self, line: Line) -> int:
        titles = self.outline.get(line.page)
        if not titles:
            return 0
        squeezed = "".join(line.text.lower().split())
        for title, level in titles.items():
            if squeezed.endswith(title) and len(squeezed) - len(title) <= 8:  # the heading's number
                return level
        return 0

    def _heading_level(self, block: Sequence[Line]) -> int:
        """The heading level of a block; 0 if it is no heading."""
        level = self._level(block[0])
        if not level or self._level_in_outline(block[0]):
            return level
        text = self._joined(block)
        most_lines = _MOST_LINES if level < _BOLD_NUMBERED else _MOST_BOLD_LINES
        if len(block) > most_lines or not _could_be_heading(text) or _NO_HEADING.search(text):
            return 0
        return 0 if level == _BOLD and text[0].islower() else level  # a programming keyword

    def _element(self, block: Sequence[Line], level: int) -> Element:
        page, text = block[0].page, self._joined(block)
        if level and len(text) <= _LONGEST_HEADING:
            return build.title(text.replace("\n", " "), level, page)
        if not _BULLET.match(text):
            return build.paragraph(text, page)
        is_unknown = _WINGDING <= text[0] <= _LAST_WINGDING
        return build.list_item(f"•{text[1:]}" if is_unknown else text, page)

    def _joined(self, block: Sequence[Line]) -> str:
        """The lines as running text; a line that ends early keeps its line break."""
        text = ""
        for column, edge in _columns_and_edges(block):
            text = self._join(text, column[0].text, wrapped=True) if text else column[0].text
            for before, line in pairwise(column):
                wrapped = not _ends_short(before, line, edge)
                text = self._join(text, line.text, wrapped=wrapped)
        text = text.replace("\xad", "-")
        if "...." in text or ". . . ." in text:
            text = _LEADER.sub(" … ", _ENTRY.sub(r" … \1\n", text))
        return text

    def _join(self, text: str, more: str, *, wrapped: bool) -> str:
        if text.endswith(("\xad", "-")) and text[-2:-1].isalpha() and more[0].islower():
            head, tail = re.split(r"\W", text[:-1])[-1], re.match(r"\w+", more)
            compound = f"{head}-{tail[0] if tail else ''}".lower()
            return (text[:-1] + "-" if compound in self.compounds else text[:-1]) + more
        if wrapped and text.endswith(("\xad", "-")) and text[-2:-1].isalnum():
            return text + more
        if not wrapped:
            return f"{text}\n{more}"
        if CJK.match(text[-1]) and CJK.match(more[0]):
            return text + more
        return f"{text} {more}"


def _without_labels(levels: list[int]) -> list[int]:
    """Removes bold headings that follow one another without text between: these are labels."""
    kept: list[int] = []
    for level, run in groupby(levels):
        many = list(run)
        kept += [0] * len(many) if level == _BOLD and len(many) >= _LABELS else many
    return kept


def _level_of_number(text: str) -> int:
    """The level of a bold heading by its number: "3.1" is below "3", "A." below "I."; otherwise
    0."""
    if (number := _NUMBERED.match(text)) is None:
        return 0
    first = number[0].split()[0]
    is_lettered = first.endswith(".") and first[0].isalpha() and first[0] not in "IVX"
    return min(_BOLD_NUMBERED + (first.rstrip(".").count(".") or is_lettered), _DEEPEST_NUMBERED)


def _could_be_heading(text: str) -> bool:
    """Whether it consists of words, not formulas, figures or names, and does not end a sentence."""
    letters = sum(char.isalpha() for char in text)
    return (
        len(text) <= _LONGEST_HEADING
        and bool(_WORD.search(text))
        and letters * 2 > len(text)
        and text.count(",") < 3
        and text[-1] not in ".,;。，；\xad"
    )


def _commonest(values: Iterable[float]) -> float:
    counts = Counter(values)
    return counts.most_common(1)[0][0] if counts else 0.0


def _moved(before: Line, line: Line) -> bool:
    """Whether a line is in another column: above the line before it, or beside it."""
    return line.base > before.base - line.size * 0.3


def _columns(block: Sequence[Line]) -> list[list[Line]]:
    """A block split where it continues in another column."""
    columns = [[block[0]]]
    for before, line in pairwise(block):
        if _moved(before, line):
            columns.append([])
        columns[-1].append(line)
    return columns


def _columns_and_edges(block: Sequence[Line]) -> list[tuple[list[Line], float]]:
    """The block's columns, each with the least x at which full lines end: all are equally wide."""
    columns = _columns(block)
    lefts = [min([line.left for line in column]) for column in columns]
    rights = [max([line.right for line in column]) for column in columns]
    width = max(map(sub, rights, lefts))
    return [(column, left + width * 0.95) for column, left in zip(columns, lefts, strict=True)]


def _stops_early(before: Line, line: Line, block: Sequence[Line]) -> bool:
    _, edge = _columns_and_edges([*block, line])[-1]
    return _ends_short(before, line, edge)


def _ends_short(before: Line, line: Line, edge: float) -> bool:
    """Whether a line ends so early that the first word of the next one would have fitted."""
    first_word = len(line.text.split(None, 1)[0]) * before.size * 0.5
    return before.right + first_word < edge
