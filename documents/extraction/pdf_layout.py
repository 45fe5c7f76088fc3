"""From lines on pages to headings, paragraphs and list items."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from unstructured.documents.elements import Element

from documents.extraction import parts

if TYPE_CHECKING:
    from documents.extraction.pdf import Line, Page

Outline = dict[int, dict[str, int]]  # page number -> squeezed title -> level

_BULLET = re.compile(r"(?:[•‣◦▪●■–·∙]|[-*]|\(?\d{1,2}[.)]|\([a-z]\)|[a-z]\))\s+\S")
_NUMBERED_HEADING = re.compile(r"(?:\d{1,2}(?:\.\d{1,2}){0,3}\.?|[IVX]{1,5}\.|[A-Z]\.?)\s+\S")
_SENTENCE_END = (".", "!", "?", ":", "。", "！", "？", "：", ";", '."', ".”", ".)")
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")
_HYPHENATED = re.compile(r"\b\w+-\w+\b")
_LARGER = 1.12  # of body text, for a heading
_LONGEST_HEADING = 200
_MARGIN = 0.1  # of the page's height, at either end, where running heads live
_CJK = re.compile("[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]")


def elements_of_pages(pages: Sequence[Page], outline: Outline) -> Iterator[Element]:
    """The elements of a document's pages, without running heads and page numbers."""
    running = _running_lines(pages)
    layout = _Layout(pages, outline)
    for page in pages:
        lines = [line for line in page.lines if not _is_running(line, page, running)]
        yield from layout.elements(lines)


def _running_key(line: Line) -> str:
    return _DIGITS.sub("#", line.text.lower())


def _in_margin(line: Line, page: Page) -> bool:
    return line.bottom > page.height * (1 - _MARGIN) or line.top < page.height * _MARGIN


def _running_lines(pages: Sequence[Page]) -> set[str]:
    """Lines that, but for their numbers, stand in the margin of many pages."""
    counts: Counter[str] = Counter()
    for page in pages:
        counts.update({_running_key(line) for line in page.lines if _in_margin(line, page)})
    often = max(3, len(pages) // 5)
    return {key for key, count in counts.items() if count >= often}


def _is_running(line: Line, page: Page, running: set[str]) -> bool:
    if not _in_margin(line, page):
        return False
    key = _running_key(line)
    return key in running or (key.strip(" -–—|.") == "#" and len(line.text) < 10)


class _Layout:
    """What is normal in this document, and so what stands out."""

    def __init__(self, pages: Sequence[Page], outline: Outline) -> None:
        lines = [line for page in pages for line in page.lines]
        self.outline = outline
        self.body = _most_common(
            round(line.height * 2) / 2 for line in lines for _ in line.text[::20]
        )
        self.levels = self._levels(lines)
        self.compounds = {
            word.lower() for line in lines for word in _HYPHENATED.findall(line.text[:-1])
        }

    def _levels(self, lines: Sequence[Line]) -> dict[float, int]:
        """Size of type -> heading level: the largest is the outermost."""
        sizes = Counter(_size(line) for line in lines if self._is_larger(line))
        ranked = sorted(sizes, reverse=True)
        return {size: min(rank, 4) for rank, size in enumerate(ranked, 1)}

    def _is_larger(self, line: Line) -> bool:
        return (
            self.body > 0
            and line.height > self.body * _LARGER
            and len(line.text) <= _LONGEST_HEADING
        )

    def elements(self, lines: Sequence[Line]) -> Iterator[Element]:
        """The elements of one page's lines, which are in reading order."""
        for block in self._blocks(lines):
            yield self._element(block)

    def _blocks(self, lines: Sequence[Line]) -> Iterator[list[Line]]:
        block: list[Line] = []
        for line in lines:
            if block and self._parts(block, line):
                yield block
                block = []
            block.append(line)
        if block:
            yield block

    def _parts(self, block: Sequence[Line], line: Line) -> bool:
        """Whether a line begins a new element rather than going on with this one."""
        before = block[-1]
        if self._level(before) != self._level(line) or _BULLET.match(line.text):
            return True
        gap, size = before.bottom - line.top, max(before.height, line.height)
        if _moved(before, line):
            return _ends_sentence(before) or not line.text[0].islower()
        if gap > size * 0.6 and gap > self._leading(block) + size * 0.25:
            return True
        if abs(before.height - line.height) > size * 0.25:
            return True
        indented = line.left > before.left + size * 0.8 and line.left > block[0].left + size * 0.8
        return _ends_sentence(before) and (indented or _ends_short(before, block, line))

    @staticmethod
    def _leading(block: Sequence[Line]) -> float:
        """The usual gap between the lines of a block."""
        gaps = [above.bottom - below.top for above, below in pairwise(block)]
        return sorted(gaps)[len(gaps) // 2] if gaps else 0.0

    def _level(self, line: Line) -> int:
        """The level of a line that is a heading or part of one, 0 for any other."""
        squeezed = "".join(line.text.lower().split())
        titles = self.outline.get(line.page, {})
        for title, level in titles.items():
            if squeezed == title or (squeezed.endswith(title) and len(squeezed) - len(title) <= 8):
                return level
        if not any(char.isalpha() for char in line.text):
            return 0
        if self._is_larger(line):
            return self.levels.get(_size(line), 4)
        if line.bold and len(line.text) <= 100 and not line.text.endswith((".", ",", ";")):
            return 5 if _NUMBERED_HEADING.match(line.text) else 6
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
            text = self._join(text, line.text, wrapped=not _ends_short(before, block, line))
        return text.replace("\xad", "-")

    def _join(self, text: str, more: str, *, wrapped: bool) -> str:
        if (
            text.endswith(("\xad", "-"))
            and len(text) > 1
            and text[-2].isalpha()
            and more[0].islower()
        ):
            head = re.split(r"\W", text[:-1])[-1]
            tail = re.match(r"\w+", more)
            compound = f"{head}-{tail[0] if tail else ''}".lower()
            return (text[:-1] + "-" if compound in self.compounds else text[:-1]) + more
        if not wrapped:
            return f"{text}\n{more}"
        if _CJK.match(text[-1]) and _CJK.match(more[0]):
            return text + more
        return f"{text} {more}"


def _size(line: Line) -> float:
    return round(line.height * 2) / 2


def _most_common(values: Iterator[float]) -> float:
    counts = Counter(values)
    return counts.most_common(1)[0][0] if counts else 0.0


def _moved(before: Line, line: Line) -> bool:
    """Whether a line stands in another column: above the one before it, or beside it."""
    return line.bottom > before.top - before.height * 0.2 or line.left > before.right


def _ends_sentence(line: Line) -> bool:
    return line.text.endswith(_SENTENCE_END)


def _ends_short(before: Line, block: Sequence[Line], line: Line) -> bool:
    """Whether a line stops well before its column does."""
    right = max(each.right for each in [*block, line])
    left = min(each.left for each in [*block, line])
    first_word = len(line.text.split(None, 1)[0]) * before.height * 0.45
    return before.right + first_word < right - (right - left) * 0.05
