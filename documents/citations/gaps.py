"""Signs between letters and digits that change a number or word: `12.5%` is not `125%`, `not able`
is not `notable`.

Texts are compared by their shape: each letter becomes `a`, one of a script without spaces `u`, a
digit stays, and other characters map to one of a few signs.
"""

import re
import unicodedata
from functools import lru_cache

from documents.citations.letters import is_compared, is_of_word, taken_apart
from documents.words import is_unspaced

Span = tuple[int, int]
Gap = tuple[str, str]  # the signs that must match; a space, none, or either
End = tuple[str, str]  # what must match; what the quotation may omit
_NONE, _EITHER = ("", ""), "?"
_NEAR = 8  # characters, enough to see what belongs to a number
_SOFT, _UNSEEN, _FIXED = "\u00ad", "\u200b", "\u00a0"  # hyphen, character, space
_GROUPING, _RAISED = "\u02c9", "\u02c6"  # thousands separator; before an exponent's digit
_RAISED_FORMS = ("<super>", "<sub>")
_SIGNS = {
    **dict.fromkeys("\u00a0\u2007\u2009\u202f", _FIXED),
    **dict.fromkeys("\n\r\v\f\x85\u2028\u2029", "\n"),
    **dict.fromkeys("\u2014\u2015", "\u2014"),
    **dict.fromkeys("'\u2018\u2019\u201a\u201b\u2032`", "'"),
    **dict.fromkeys('"\u201c\u201d\u201e\u201f\u00ab\u00bb', '"'),
    **dict.fromkeys("\u2266\u2a7d", "\u2264"),
    **dict.fromkeys("\u2267\u2a7e", "\u2265"),
    "|": "\t", _SOFT: _SOFT, "\u2212": "-",
    "\u066a": "%", "\u066b": ".", "\u066c": ",", "\u2236": ":",
}  # fmt: skip
_OF_KIND = {"Pd": "-", "Zs": " ", "Cf": _UNSEEN}
_MONEY = "[$\u00a2-\u00a5\u058f\u060b\u0e3f\u20a0-\u20cf]"
_RELATION = "[<>=\u2248\u2264\u2265]"
_NOT_JOINED = "(?<![-+0-9au])"  # the hyphens in 3-5, covid-19 and c++17 are not minus signs
_SIGN = rf"{_NOT_JOINED}[-+.](?=\.?{_MONEY}?[0-9])"
_KEPT = re.compile(rf"[%\u2030\u00b1]|{_RELATION}|{_MONEY}(?=[0-9])|{_SIGN}")
_LEAD = re.compile(rf"({_RELATION}?)\s*(?:{_NOT_JOINED}([-+.\u00b1]*))?({_MONEY}?)$")
_TAIL = re.compile(rf"\s?([%\u2030]?)(?:\s?({_MONEY}))?")
_JOINS = f"[.,:'{_FIXED}]"
_JOINED, _JOINING = re.compile(f"[0-9]{_JOINS}$"), re.compile(f"{_JOINS}[0-9]")
_WITHIN = re.compile("[0-9au](?:.*[0-9au])?", re.DOTALL)
_GAP = re.compile("[^0-9au]+")
_THOUSANDS = re.compile(
    rf"(?<![0-9])(?<![0-9]{_JOINS})[1-9][0-9]{{0,2}}(?:"
    rf"([,' {_FIXED}])[0-9]{{3}}(?:\1[0-9]{{3}})*(?!\1?[0-9])"
    # 1.234 alone may be a decimal number
    r"|\.[0-9]{3}(?:(?:\.[0-9]{3})+(?!\.?[0-9])|(?=,[0-9])))"
)
_CLEANED = [
    (re.compile(rf"{_SOFT}\s*|(?<![au]){_UNSEEN}|{_UNSEEN}(?![au])"), ""),
    (re.compile(r"[\[(]?\.{3,}[\])]?|={3,}(?!>)"), " "),  # an ellipsis, an underline below a title
    (re.compile("(?<![-=])[-=]++>"), "\u2192"),
    (re.compile(r"<-++(?!\.?[0-9])"), "\u2190"),
    (re.compile(r"(?<=\n)[ \t]*>+(?=[ \t]*[au])"), " "),  # quoting in e-mail
    (re.compile("--+"), "\u2014"),
    (re.compile("<="), "\u2264"),
    (re.compile(">="), "\u2265"),
    (re.compile(rf"\^(?=-)|{_RAISED}(?=-)|(?<![0-9]){_RAISED}"), ""),
]  # fmt: skip
_SAME = {(_RAISED, "^"), ("^", _RAISED), (_RAISED, ""), ("", _RAISED)}  # 10⁶ as 10^6 or 106


class Between:
    """What must be between a quotation's letters and digits, and next to its outermost ones."""

    def __init__(self, quote: str) -> None:
        self._shapes = _Shapes()
        self._gaps_of = lru_cache(maxsize=8)(lambda text: _gaps(self._shape(text)))
        shape = self._shape(quote)
        within = _WITHIN.search(shape)
        start, end = within.span() if within else (0, 0)
        self._gaps = _gaps(shape[start:end])
        self._digits = shape[start : start + 1].isdigit(), shape[end - 1 : end].isdigit()
        self._lead, self._tail = _lead(shape[:start]), _tail(shape[end:])

    def stands_at(self, text: str, span: Span) -> bool:
        """Whether the text has the same signs between the span's letters and digits and at its
        ends."""
        gaps = self._gaps_of(text[slice(*span)])
        if not all(
            _alike(gaps.get(at, _NONE), self._gaps.get(at, _NONE))
            for at in gaps.keys() | self._gaps.keys()
        ):
            return False
        return self.ends_at(text, span)

    def ends_at(self, text: str, span: Span) -> bool:
        """Whether the ends of the span belong to the same numbers."""
        (start, end), (begins, ends) = span, self._digits
        if begins and not _fits(
            _lead(self._shape(text[max(0, start - _NEAR) : start])), self._lead
        ):
            return False
        return not ends or _fits(_tail(self._shape(text[end : end + _NEAR])), self._tail)

    def with_signs(self, text: str, span: Span) -> Span:
        """The span, extended by signs that belong to the numbers at its ends."""
        (start, end), (sign, _, money), (share, _) = span, self._lead, self._tail
        before = max(0, start - len(sign + money))
        if self._shape(text[before:start]) == sign + money:
            start = before
        wide = next((at for at in (1, 2) if self._shape(text[end : end + at]).endswith(share)), 0)
        return start, end + wide if share else end

    def _shape(self, text: str) -> str:
        shape = text.translate(self._shapes)
        for pattern, instead in _CLEANED:
            shape = pattern.sub(instead, shape)
        return _THOUSANDS.sub(lambda found: _GAP.sub(_GROUPING, found[0]), shape)


class _Shapes(dict[int, str]):
    """For `str.translate`: a character -> its shape, one character for each that is compared."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        apart = _SIGNS[character] if character in _SIGNS else taken_apart(character)
        shape = "".join(map(_shape_of, apart))
        if shape.isdigit() and unicodedata.decomposition(character).startswith(_RAISED_FORMS):
            shape = _RAISED + shape
        self[code] = shape
        return shape


def _shape_of(character: str) -> str:
    if is_of_word(character):
        if not is_compared(character) or character in "0123456789":
            return character if is_compared(character) else ""
        return "u" if is_unspaced(character) else "a"
    if character in _SIGNS:
        return _SIGNS[character]
    return _OF_KIND.get(unicodedata.category(character), character)


def _gaps(shape: str) -> dict[int, Gap]:
    """The gaps inside a shape: the number of letters and digits before a gap -> the gap."""
    found, passed = {}, 0
    for match in _GAP.finditer(shape):
        found[match.start() - passed] = _gap(shape[match.start() - 1 : match.end() + 1])
        passed += len(match[0])
    return found


def _gap(shape: str) -> Gap:
    """The gap between two adjacent letters or digits."""
    sides = shape[0] + shape[-1]
    if sides.isdigit():
        return _gap_of_digits(shape[1:-1])
    signs = "".join(_KEPT.findall(shape))
    breaks = sides != "aa" or "\n" in shape or shape[1] == "-"
    spaced = "\u2014" in shape or any(map(str.isspace, shape))
    return signs, " " if spaced and not breaks else _EITHER


def _gap_of_digits(signs: str) -> Gap:
    if signs == _GROUPING:
        return "", _EITHER
    signs = " ".join(re.split(r"\s+", signs)).replace("\u2014", "-")
    if signs == " ":
        return "", " "
    return re.sub("(?<![.,]) ", "", signs), ""  # 3 - 5 is 3-5, but 1, 2 is not 1,2


def _alike(one: Gap, other: Gap) -> bool:
    same = one[0] == other[0] or (one[0], other[0]) in _SAME
    return same and (one[1] == other[1] or _EITHER in (one[1], other[1]))


def _lead(shape: str) -> tuple[str, str, str]:
    """What precedes a digit: signs that change the number; a relation; a currency."""
    if _JOINED.search(shape):
        return "joined", "", ""
    found = _LEAD.search(shape)
    return (found[2] or "", found[1], found[3]) if found else ("", "", "")


def _tail(shape: str) -> tuple[str, str]:
    """What follows a digit: signs that change the number; a currency."""
    if _JOINING.match(shape):
        return "joined", ""
    found = _TAIL.match(shape)
    return (found[1], found[2] or "") if found else ("", "")


def _fits(stands: tuple[str, ...], quoted: tuple[str, ...]) -> bool:
    """Whether signs that change the number match; others may be omitted, but not differ."""
    rest = zip(stands[1:], quoted[1:], strict=True)
    return stands[0] == quoted[0] and all(wanted in ("", there) for there, wanted in rest)
