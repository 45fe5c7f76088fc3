"""What number formats of cells add to numbers: percent signs, leading zeros, units."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from documents.extraction.office.cell_values import percent_decimals

_ZEROS = re.compile("0{2,20}")
_ZEROS_SEEN = re.compile(r"\d{2,20}")
_SECTION = re.compile(r'(?:"[^"]*"|\\.|\[[^\]]*\]|[^;"\\[])*')
# Quoted, escaped, a currency as "[$€-407]"; blanks as wide as a character; a color; the number;
# others.
_PART = re.compile(
    r'"([^"]*)"|\\(.)|\[\$([^\]-]*)[^\]]*\]|([_*].)|(\[[a-z]+\d{0,2}\])'
    r"|(general|[0#?][0#?,.]*)|(.)",
    re.IGNORECASE,
)
_SCALED = re.compile(r",(?![0#?])")  # in thousands or millions
_BARE = frozenset(" $-+()€£¥")  # characters shown literally without quotation marks
_SIGNS = frozenset("%‰°")
_SEEN = re.compile(r"(\D*)(\d(?:[\d.,'’\s]*\d)?)(\D*)")  # one number, in any locale
_SEPARATOR = re.compile(r"[.,](?=\d*$)")  # the last one in a number: decimal or thousands separator
_NEGATIVE = str.maketrans("", "", "-−()")


@dataclass(frozen=True, slots=True)
class Shape:
    """How a format shows a number, if that adds anything to the number itself."""

    spec: str = ""  # a Python format spec; without one the number is put between these two
    before: str = ""
    after: str = ""

    def of(self, value: float, text: str) -> str:
        """The number as shown; `text` is the number without a format."""
        if self.spec:
            return f"{value:{self.spec}}"
        sign, number = ("-", text[1:]) if text.startswith("-") else ("", text)
        return f"{sign}{self.before}{number}{self.after}"


def shape_of(code: str) -> Shape | None:
    """The shape of a cell format: a percentage, leading zeros as in postal or product codes, a
    currency or other unit; None for all other formats."""
    if (decimals := percent_decimals(code)) is not None:
        return Shape(f".{decimals}%")
    if _ZEROS.fullmatch(code):
        return Shape(f"0{len(code)}.0f")
    section = _SECTION.match(code)
    return _with_unit(section[0]) if section else None


def shape_seen(text: str, value: float, *, percentage: bool = False) -> Shape | None:
    """The shape of a number whose cell is displayed as `text`, like `shape_of` by its format."""
    match = _SEEN.fullmatch(text)
    if match is None:
        return None
    before, number, after = match[1].translate(_NEGATIVE), match[2], match[3].translate(_NEGATIVE)
    separator = _SEPARATOR.search(number)
    if percentage:
        return Shape(f".{len(number) - separator.end() if separator else 0}%")
    if text == number and number.startswith("0") and _ZEROS_SEEN.fullmatch(number):
        return Shape(f"0{len(number)}.0f")
    is_unit = any(map(_says_something, before + after)) and _is_whole(value, number, separator)
    return Shape("", before.lstrip(), after.rstrip()) if is_unit else None


def _is_whole(value: float, number: str, separator: re.Match[str] | None) -> bool:
    """Whether a number is displayed at least to the unit, not in thousands or millions."""
    places = {0, len(number) - separator.end() if separator else 0}
    digits = float("".join(filter(str.isdigit, number)))
    return any(abs(digits / 10**decimals - abs(value)) <= 0.5 for decimals in places)


def _with_unit(code: str) -> Shape | None:
    texts, numbers = ["", ""], 0  # before the number and after it
    for literal, number in _parts(code):
        if literal is None or _SCALED.search(number):
            return None
        numbers += bool(number)
        texts[numbers > 0] += literal
    before, after = texts
    is_unit = numbers == 1 and any(map(_says_something, before + after))
    return Shape("", before.lstrip(), after.rstrip()) if is_unit else None


def _parts(code: str) -> Iterator[tuple[str | None, str]]:
    """The literal texts of a format, and the number, in order; None for anything else."""
    for quoted, escaped, currency, blank, color, number, bare in _PART.findall(code):
        if bare and bare not in _BARE:
            yield None, ""
        elif not blank and not color:
            yield quoted or escaped or currency or bare, number


def _says_something(sign: str) -> bool:
    return sign.isalpha() or sign in _SIGNS or unicodedata.category(sign) == "Sc"
