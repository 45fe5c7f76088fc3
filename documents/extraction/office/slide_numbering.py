"""Numbers of PowerPoint's list items, which are not part of the text."""

from lxml import etree

from documents.extraction.numerals import whole, written

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_KINDS = {
    "alphaLc": "lowerLetter", "alphaUc": "upperLetter", "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
}  # fmt: skip
_SHAPES = {"ParenBoth": "({})", "ParenR": "{})", "Plain": "{}"}  # others end with a full stop


class Numbers:
    """The current counts of a text's lists, on each level."""

    def __init__(self) -> None:
        self._counts: dict[int, tuple[str, int]] = {}  # numbering scheme, last number

    def before(self, level: int, bullet: etree._Element | None) -> str:
        """The number of the next paragraph with this bullet, which it counts; "" if it has none."""
        for deeper in [at for at in self._counts if at > level]:
            del self._counts[deeper]
        if bullet is None or bullet.tag != f"{_A}buAutoNum":
            self._counts.pop(level, None)
            return ""
        kind, start = bullet.get("type", ""), bullet.get("startAt", "")
        said, last = self._counts.get(level, ("", 0))
        number = last + 1 if said == kind + start else whole(start, 1)
        self._counts[level] = kind + start, number
        return _shown(number, kind)


def _shown(number: int, kind: str) -> str:
    style = next((_KINDS[each] for each in _KINDS if kind.startswith(each)), "decimal")
    shape = next((_SHAPES[each] for each in _SHAPES if kind.endswith(each)), "{}.")
    return shape.format(written(number, style))
