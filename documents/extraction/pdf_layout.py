"""From lines on pages to headings, paragraphs and list items."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from unstructured.documents.elements import Element

from documents.extraction import parts
from documents.extraction.columns import in_reading_order
from documents.extraction.lines import Cell, Line, Page
from documents.extraction.pdf_tables import apart, without_tables
from documents.extraction.reading import Reading

Outline = dict[int, dict[str, int]]  # page number -> squeezed title -> level

_BULLET = re.compile(r"(?:[•‣◦▪●■–·∙]|[-*]|\(?\d{1,2}[.)]|\([a-z]\)|[a-z]\))\s+\S")
_NUMBERED = re.compile(r"(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?|[IVX]{1,5}\.|[A-Z]\.?)\s+\S")
_SENTENCE_ENDS = (*".!?:;。！？：；",)
_CLOSING = "\"'”’)]"
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")
_HYPHENATED = re.compile(r"\b\w+-\w+\b")
_WORD = re.compile(r"[^\W\d_]{3}|[\u3040-\u9fff\uac00-\ud7af]{2}")
_CJK = re.compile("[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]")
_LARGER = 1.12  # of body text, for a heading
_LONGEST_HEADING = 200
_LOOSEST_HEADING = 1.7  # from one of its lines to the next, in sizes of the type
_WIDEST_CELL = 12  # sizes of the type
_MARGIN = 0.1  # of the page's height, at either end, where running heads live


def elements_of_pages(
    reading: Reading, pages: Sequence[Page], outline: Outline
) -> Iterator[Element]:
    """The elements of a document's pages, without running heads and page numbers."""
    for page in pages:
        page.lines = _in_order(list(_whole_lines(page.lines)), scanned=page.scanned)
    if dropped := _drop_running_lines(pages):
        reading.details["dropped_repeats"] = dropped
    layout = _Layout(pages, outline)
    for page in pages:
        yield from layout.elements(page.lines)
        yield from layout.elements(page.sideways)
        if page.fields:
            yield parts.paragraph("\n".join(page.fields), page.number)


def _drop_running_lines(pages: Sequence[Page]) -> int:
    """Take running heads and page numbers off the pages; how many there were."""
    running, dropped = _running_lines(pages), 0
    for page in pages:
        kept = [line for line in page.lines if not _is_running(line, page, running)]
        dropped += len(page.lines) - len(kept)
        page.lines = kept
    return dropped


def _in_order(lines: list[Line], *, scanned: bool) -> list[Line]:
    """The lines as people read them; the order they were drawn in is kept where it will do."""
    if scanned:  # OCR has put them in order
        return lines
    parted = apart(lines) if any(line.cells for line in lines) else lines
    if len(parted) > len(lines) or _is_disordered(parted):
        return list(_whole_lines(in_reading_order(parted)))
    return lines


def _is_disordered(lines: Sequence[Line]) -> bool:
    """Whether the lines jump up the page more often than columns, notes and figures explain."""
    ups = sum(line.base > before.base + line.size * 2 for before, line in pairwise(lines))
    return (ups > 6 and ups * 6 > len(lines)) or (ups > 0 and _is_drawn_by_column(lines))


def _is_drawn_by_column(lines: Sequence[Line]) -> bool:
    """Whether short lines stand beside others that were not drawn next: cells of a table."""
    short = [
        line
        for line in lines
        if line.right - line.left < line.size * _WIDEST_CELL and len(line.text) > 2
    ]
    bases = Counter(round(line.base) for line in short)
    beside = sum(count for count in bases.values() if count > 1)
    return beside >= 6 and beside * 10 > len(short) * 7


def _whole_lines(lines: Iterable[Line]) -> Iterator[Line]:
    """Lines that PDFium broke at a change of type or at a superscript, put together again."""
    whole: Line | None = None
    for line in lines:
        if whole is not None and _on_same_line(whole, line):
            whole = _beside(whole, line)
            continue
        if whole is not None:
            yield whole
        whole = line
    if whole is not None:
        yield whole


def _on_same_line(before: Line, line: Line) -> bool:
    size = max(before.size, line.size)
    gap = line.left - before.right
    return abs(before.base - line.base) < size * 0.5 and -size * 0.5 < gap < size * 1.5


def _beside(before: Line, line: Line) -> Line:
    close = line.left - before.right < max(before.size, line.size) * 0.15
    longer = before if len(before.text) >= len(line.text) else line
    return replace(
        longer,
        text=before.text + ("" if close else " ") + line.text,
        left=before.left,
        right=line.right,
        bold=before.bold and line.bold,
        cells=_joined_cells(before, line, close=close),
    )


def _joined_cells(before: Line, line: Line, *, close: bool) -> tuple[Cell, ...]:
    """The cells of two lines that are one: the last and the first of them grow together."""
    if not before.cells and not line.cells:
        return ()
    first = before.cells or (Cell(before.text, before.left, before.right),)
    second = line.cells or (Cell(line.text, line.left, line.right),)
    text = first[-1].text + ("" if close else " ") + second[0].text
    return (*first[:-1], Cell(text, first[-1].left, second[0].right), *second[1:])


@lru_cache(1024)
def _running_key(text: str) -> str:
    return _DIGITS.sub("#", text.lower())


def _in_margin(line: Line, page: Page) -> bool:
    return not page.height * _MARGIN < line.base < page.height * (1 - _MARGIN)


def _running_lines(pages: Sequence[Page]) -> set[str]:
    """Lines that, but for their numbers, stand in the margins of at least three pages."""
    counts: Counter[str] = Counter()
    for page in pages:
        counts.update({_running_key(line.text) for line in page.lines if _in_margin(line, page)})
    return {key for key, count in counts.items() if count >= 3}


def _is_running(line: Line, page: Page, running: set[str]) -> bool:
    if not _in_margin(line, page):
        return False
    key = _running_key(line.text)
    return key in running or (key.strip(" -–—|.") == "#" and len(line.text) < 10)


class _Layout:
    """What is normal in this document, and so what stands out."""

    def __init__(self, pages: Sequence[Page], outline: Outline) -> None:
        lines = [line for page in pages for line in page.lines]
        self.outline = outline
        self.body = _usual_size(lines)
        self.pitch = self._usual_pitch(pages)
        sizes = sorted({line.size for line in lines if self._is_larger(line)}, reverse=True)
        self.levels = {size: min(rank, 4) for rank, size in enumerate(sizes, 1)}
        self.compounds = {
            word.lower()
            for line in lines
            if "-" in line.text[:-1]
            for word in _HYPHENATED.findall(line.text[:-1])
        }

    def _usual_pitch(self, pages: Sequence[Page]) -> float:
        """From one line of body text to the next, in sizes of the type."""
        pitches = (
            round((above.base - below.base) / self.body, 1)
            for page in pages
            for above, below in pairwise(page.lines)
            if above.size == below.size == self.body
        )
        return _commonest(pitch for pitch in pitches if 0.8 < pitch < 3) or 1.2

    def _is_larger(self, line: Line) -> bool:
        return self.body > 0 and line.size > self.body * _LARGER and _could_be_heading(line.text)

    def elements(self, lines: Sequence[Line]) -> Iterator[Element]:
        """The elements of one page's lines, which are in reading order."""
        for part in without_tables(lines):
            if isinstance(part, list):
                for block in self._blocks(part):
                    yield self._element(block)
            else:
                yield part

    def _blocks(self, lines: Sequence[Line]) -> Iterator[list[Line]]:
        block: list[Line] = []
        above = 0
        for line in lines:
            level = self._level(line)
            if block and (level != above or self._begins(line, level, block)):
                yield block
                block = []
            block.append(line)
            above = level
        if block:
            yield block

    def _begins(self, line: Line, level: int, block: Sequence[Line]) -> bool:
        """Whether a line begins a new element rather than going on with this one."""
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
        return ended and (indented or _ends_short(before, block, line))

    def _level(self, line: Line) -> int:
        """The level of a line that is a heading or part of one, 0 for any other."""
        if level := self._level_in_outline(line):
            return level
        if self._is_larger(line):
            return self.levels[line.size]
        if line.bold and _could_be_heading(line.text) and len(line.text) <= 100:
            return 5 if _NUMBERED.match(line.text) else 6
        return 0

    def _level_in_outline(self, line: Line) -> int:
        titles = self.outline.get(line.page)
        if not titles:
            return 0
        squeezed = "".join(line.text.lower().split())
        for title, level in titles.items():
            if squeezed.endswith(title) and len(squeezed) - len(title) <= 8:  # its number
                return level
        return 0

    def _element(self, block: Sequence[Line]) -> Element:
        page, level = block[0].page, self._level(block[0])
        text = self._joined(block)
        if level and len(text) <= _LONGEST_HEADING:
            return parts.title(text.replace("\n", " "), level, page)
        return parts.list_item(text, page) if _BULLET.match(text) else parts.paragraph(text, page)

    def _joined(self, block: Sequence[Line]) -> str:
        """The lines as running text; a line that stops early keeps its end."""
        text = block[0].text
        for before, line in pairwise(block):
            wrapped = _moved(before, line) or not _ends_short(before, block, line)
            text = self._join(text, line.text, wrapped=wrapped)
        return text.replace("\xad", "-")

    def _join(self, text: str, more: str, *, wrapped: bool) -> str:
        if text.endswith(("\xad", "-")) and text[-2:-1].isalpha() and more[0].islower():
            head, tail = re.split(r"\W", text[:-1])[-1], re.match(r"\w+", more)
            compound = f"{head}-{tail[0] if tail else ''}".lower()
            return (text[:-1] + "-" if compound in self.compounds else text[:-1]) + more
        if wrapped and text.endswith(("\xad", "-")) and text[-2:-1].isalnum():
            return text + more
        if not wrapped:
            return f"{text}\n{more}"
        if _CJK.match(text[-1]) and _CJK.match(more[0]):
            return text + more
        return f"{text} {more}"


def _could_be_heading(text: str) -> bool:
    """Words rather than formulas, figures or a list of names, and no sentence's end."""
    letters = sum(char.isalpha() for char in text)
    return (
        len(text) <= _LONGEST_HEADING
        and bool(_WORD.search(text))
        and letters * 2 > len(text)
        and text.count(",") < 3
        and text[-1] not in ".,;。，；\xad"
    )


def _usual_size(lines: Iterable[Line]) -> float:
    """Of the type that most of the text is set in."""
    counts: Counter[float] = Counter()
    for line in lines:
        counts[line.size] += -(-len(line.text) // 20)
    return counts.most_common(1)[0][0] if counts else 0.0


def _commonest(values: Iterable[float]) -> float:
    counts = Counter(values)
    return counts.most_common(1)[0][0] if counts else 0.0


def _moved(before: Line, line: Line) -> bool:
    """Whether a line stands in another column: above the one before it, or beside it."""
    return line.base > before.base - line.size * 0.3


def _ends_short(before: Line, block: Sequence[Line], line: Line) -> bool:
    """Whether a line stops so early that the next one's first word would have fitted in."""
    right = max(each.right for each in [*block, line])
    left = min(each.left for each in [*block, line])
    first_word = len(line.text.split(None, 1)[0]) * before.size * 0.5
    return before.right + first_word < right - (right - left) * 0.05
