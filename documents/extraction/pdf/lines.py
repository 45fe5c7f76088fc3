"""The lines of a PDF page as the text layer has them, with their geometry."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, groupby, pairwise
from operator import itemgetter

import pypdfium2

from documents.extraction.directions import runs_left
from documents.extraction.lines import Cell, Line
from documents.extraction.pdf.arabic import with_lam_alef
from documents.extraction.pdf.letters import Blank, Letters, MirroredLetters
from documents.extraction.pdf.superscripts import with_superscripts

# Ends of visual lines: PDFium joins words hyphenated at the end of a line, and puts one of these in
# place of the hyphen.
_ENDS = re.compile("[^\n\x02\ufffe\xad]*[\n\x02\ufffe\xad]?")
_SOFT_HYPHENS = ("\x02", "\ufffe", "\xad")
_FREQUENT = "이다의"  # Korean syllables
_WORD = re.compile(r"\S+")
_GAP = re.compile(" +")
_NUMBERS = re.compile(r"(?<!\S)[(+\-–$€£]?\d[\d.,%()]*(?!\S)")
_WIDE = 0.54  # font sizes per character; running text has less
_TWO_NUMBERS = re.compile(r"\d.* .*\d")
_PROBE_EVERY, _PROBE_LENGTH = 8, 30
_CELL_GAP = 0.9  # in font sizes
_CELL_GAP_OF_NUMBERS = 0.6
_FEWEST_CELLS = 3  # of a line that is almost certainly a table row
_MOST_LINES = 12  # of such a row
_SAME = 0.5  # points
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_OTHER_BASE = 0.45  # in font sizes; superscripts and subscripts are nearer to the baseline

Place = tuple[str, int]  # a line and its start in the page's text


def lines_of(textpage: pypdfium2.PdfTextPage, text: str, number: int) -> list[Line]:
    """The page's lines. Gaps are measured where they are likely, and in one line of eight as a
    sample: if that has any, in all lines."""
    mirrored = runs_left(text)
    letters = (MirroredLetters if mirrored else Letters)(textpage, text)
    places = [
        (line, at + len(whole) - len(whole.lstrip()))
        for whole, at in _parts(with_superscripts(letters, with_lam_alef(letters, text)))
        if (line := whole.strip()) and line not in _SOFT_HYPHENS
    ]
    lines = _measured(letters, places, number)
    if letters.leaves_out:
        _note_bullets(letters, lines, places, text)
    if any(syllable in text for syllable in _FREQUENT):
        _note_word_ends(lines, places, text)
    if not mirrored and len({line.turn for line in lines}) == 1:
        return lines
    # In bidirectional text PDFium does not always notice that a line has ended.
    found = (list(_parted(letters, line, at)) for line, at in places)
    parted = [part for parts in found for part in (reversed(parts) if mirrored else parts)]
    return lines if len(parted) == len(lines) else _measured(letters, parted, number)


def _note_bullets(
    letters: Letters, lines: Sequence[Line], places: Sequence[Place], text: str
) -> None:
    """Put a bullet before lines that begin with an unknown sign and a blank."""
    if len(lines) != len(places):
        return
    for line, (_, at) in zip(lines, places, strict=True):
        if text[max(at - 1, 0)] == " " and letters.lacks_before(at - 1):
            line.text = f"• {line.text}"


def _note_word_ends(lines: Sequence[Line], places: Sequence[Place], text: str) -> None:
    """Keep the blank after a Korean line that ends with a word; others end within one."""
    if len(lines) != len(places):
        return
    for line, (shown, at) in zip(lines, places, strict=True):
        if "\uac00" <= shown[-1] <= "\ud7af" and text.startswith(" ", at + len(shown)):
            line.text += " "


def _parts(text: str) -> Iterator[Place]:
    """The text's lines, each with its start."""
    if any(hyphen in text for hyphen in _SOFT_HYPHENS):
        yield from ((match[0], match.start()) for match in _ENDS.finditer(text))
        return
    at = 0
    for line in text.split("\n"):  # a third of the time of splitting at all line ends at once
        yield line, at
        at += len(line) + 1


def _measured(letters: Letters, places: Sequence[Place], number: int) -> list[Line]:
    probes = ((line, at) for line, at in places[3::_PROBE_EVERY] if len(line) > _PROBE_LENGTH)
    gaps = any(
        _cells(letters, line, at, *letters.size_and_turn(at + _middle(line))) for line, at in probes
    )
    lines = [_line(letters, line, at, number, gaps=gaps) for line, at in places]
    if not any(line.cells for line in lines):
        return lines
    if not gaps:
        lines = list(_with_neighbours(letters, lines, places))
    heights = [
        _heights(letters, line, at) if line.cells else []
        for line, (_, at) in zip(lines, places, strict=True)
    ]
    if not any(heights):
        return lines
    around = zip([[], *heights], [*heights[1:], []], strict=False)
    return [
        part
        for line, own, others in zip(lines, heights, around, strict=True)
        for part in (_at_heights(line, own) if _shared(own, *others) else [line])
    ]


def _with_neighbours(
    letters: Letters, lines: Sequence[Line], places: Sequence[Place]
) -> Iterator[Line]:
    """The lines. Those beside or between likely table rows are measured for gaps as well, as they
    may belong to the same table."""
    rows = [at for at, line in enumerate(lines) if len(line.cells) >= _FEWEST_CELLS]
    beside = {at + step for at in rows for step in (-1, 1)}
    for row, other in pairwise(rows):
        beside.update(range(row, other) if other - row < _MOST_LINES else ())
    for at, line in enumerate(lines):
        text, place = places[at]
        if at in beside and not line.cells and " " in text:
            yield replace(line, cells=_cells(letters, text, place, line.size, line.turn))
        else:
            yield line


def _heights(letters: Letters, line: Line, at: int) -> list[float]:
    """The baselines of its cells, if the first or the last is not on the line's own."""
    ends = (letters.base(at, line.turn), letters.base(at + len(line.text) - 1, line.turn))
    if all(abs(end - line.base) < line.size * _OTHER_BASE for end in ends):
        return []
    heights, place = list[float](), 0
    for cell in line.cells:
        place = line.text.index(cell.text[:-1], place)
        heights.append(letters.base(at + place + _middle(cell.text or " "), line.turn))
    return heights


def _shared(heights: Sequence[float], *others: Sequence[float]) -> bool:
    """Whether a cell is at the same height as one in such a line above or below.

    PDFium takes a cell between two lines of its neighbour for part of the first line, and what is
    right of both for part of the second.
    """
    return any(abs(one - other) < _SAME for one in heights for other in chain(*others))


def _at_heights(line: Line, heights: Sequence[float]) -> list[Line]:
    runs = groupby(zip(heights, line.cells, strict=True), key=itemgetter(0))
    return [_part(line, base, [cell for _, cell in run]) for base, run in runs]


def _part(line: Line, base: float, cells: Sequence[Cell]) -> Line:
    text = " ".join(cell.text for cell in cells)
    kept = tuple(cells) if len(cells) > 1 else ()
    left, right = cells[0].left, cells[-1].right
    return replace(line, text=text, left=left, right=right, base=base, cells=kept)


def _parted(letters: Letters, text: str, at: int) -> Iterator[Place]:
    """The text split into lines by the positions of its words."""
    if _stands_alike(letters, at, at + len(text) - 1):
        yield text, at
        return
    begun = 0
    for before, word in pairwise(match.start() for match in _WORD.finditer(text)):
        if not _stands_alike(letters, at + before, at + word):
            yield text[begun:word].rstrip(), at + begun
            begun = word
    yield text[begun:], at + begun


def _stands_alike(letters: Letters, one: int, other: int) -> bool:
    size, turn = letters.size_and_turn(one)
    apart = letters.base(one, turn) - letters.base(other, turn)
    return abs(apart) <= size and turn == letters.size_and_turn(other)[1]


def _line(letters: Letters, text: str, at: int, number: int, *, gaps: bool) -> Line:
    """The line that begins at `at` in the page's text."""
    soft_hyphen = text.endswith(_SOFT_HYPHENS)
    middle, last = at + _middle(text), max(at, at + len(text) - 1 - soft_hyphen)
    size, turn = letters.size_and_turn(middle)
    start, end = letters.edges(turn)
    left, right = start(at), end(last)
    if soft_hyphen:
        text = text[:-1] + "\xad"
    return Line(
        text=text,
        left=left,
        right=right,
        base=letters.base(middle, turn),
        size=size,
        bold=letters.is_bold(middle) and letters.is_bold(at) and letters.is_bold(last),
        page=number,
        turn=turn,
        cells=_cells(letters, text, at, size, turn)
        if gaps or _may_have_gaps(text, right - left, size)
        else (),
    )


def _may_have_gaps(text: str, width: float, size: float) -> bool:
    """Whether a line is wide enough for its letters, or numeric enough, to measure its gaps."""
    if not size or " " not in text:
        return False
    if width > len(text) * size * _WIDE:
        return True
    return bool(_TWO_NUMBERS.search(text)) and _is_numeric(text)


def _is_numeric(text: str) -> bool:
    return len(_NUMBERS.findall(text)) * 3 > text.count(" ") + 1


def _cells(letters: Letters, text: str, at: int, size: float, turn: int) -> tuple[Cell, ...]:
    """The line's cells, if it has gaps wider than those between words."""
    start, end = letters.edges(turn)
    gaps = list(_gaps(letters, text, at, size, turn))
    if not gaps:
        return ()
    starts = [0, *(after for _, after, _, _ in gaps)]
    ends = [*(before for before, _, _, _ in gaps), len(text)]
    lefts = [start(at), *(left for _, _, _, left in gaps)]
    rights = [*(right for _, _, right, _ in gaps), end(at + len(text) - 1)]
    return tuple(
        Cell(text[first:last], left, right)
        for first, last, left, right in zip(starts, ends, lefts, rights, strict=True)
    )


def _gaps(letters: Letters, text: str, at: int, size: float, turn: int) -> list[Blank]:
    """The wide gaps among the line's blanks."""
    wide = _wider(letters.around(_GAP.finditer(text), at, turn), size * _CELL_GAP_OF_NUMBERS)
    if wide and not _is_numeric(text):  # seldom worth measuring
        return _wider(wide, size * _CELL_GAP)
    return wide


def _wider(blanks: Iterable[Blank], least: float) -> list[Blank]:
    return [(at, to, right, left) for at, to, right, left in blanks if left - right > least]


def _middle(text: str) -> int:
    """The letter nearest to the middle: punctuation and superscripts measure differently."""
    half = len(text) // 2
    if text[half].isalpha() or _is_on_the_line(text[half]):
        return half
    for far in range(1, 9):
        if far <= half and _is_on_the_line(text[half - far]):
            return half - far
        if far < 8 and half + far < len(text) and _is_on_the_line(text[half + far]):
            return half + far
    return half


def _is_on_the_line(char: str) -> bool:
    return char.isalnum() and char not in _RAISED
