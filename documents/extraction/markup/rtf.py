r"""Prepares RTF for pandoc, which knows one code page and no heading styles, and reorders lists.

The result says the same in control words that pandoc knows: characters as `\uN`, heading levels at
paragraphs, and list items as paragraphs that begin with `ITEM` and their visible marker.
"""

import codecs
import re
from collections.abc import Iterator

from documents.extraction.markup.rtf_groups import sorted_out

_MOVED = 0x1000
_HALVES = re.compile(r"([\ue800-\uebff])\??([\uec00-\uefff])|([\ue800-\uefff])")
ITEM = "\ue0ff"  # a private use character: in no document
_CHARSETS = {
    2: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 134: "cp936", 136: "cp950",
    161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257",
    204: "cp1251", 222: "cp874", 238: "cp1250",
}  # fmt: skip
_WIDE = frozenset({"cp932", "gbk", "cp949", "cp950"})  # their Western fonts use cp1252
_PAGE = re.compile(r"\\(ansicpg(\d+)|mac\b|pca\b|pc\b)")
_PAGES = {"mac": "mac_roman", "pc": "cp437", "pca": "cp850", "ansicpg10000": "mac_roman"}
_FONT = re.compile(r"\{\\f(\d+)[^{}]*?\\fcharset(\d+)")
_STYLE = re.compile(r"\{\\s(\d+)(?!\d)([^{}]*(?:\{[^{}]*\}[^{}]*)*);\}")
_LEVEL = re.compile(r"\\outlinelevel([0-8])(?!\d)|\bheading ([1-9])$|\b(title)$", re.IGNORECASE)
_DELETED = re.compile(r"(?<!\\)\\deleted(?![a-z])")  # tracked deletions; hidden text
# Content given twice, the second time in Unicode.
_TWICE = re.compile(r"\{\\upr\s*\{[^{}]*\}\s*\{\\\*\\ud\s*\{([^{}]*)\}\s*\}\s*\}")
# Row properties that are the same for all rows, and cells of nested tables.
_ENDS = re.compile(r"(?<!\\)\\(row|nestcell)(?![a-z])")
_PARTED = {"row": r"\row\trowd", "nestcell": r"\tab"}
_BYTE = r"(?:\\'[0-9a-fA-F]{2}|[\x80-\xff])"
_TOKEN = re.compile(
    rf"(?P<open>\{{)(?P<item>\\(?:listtext|pntext)(?![a-z])(?:\\pard|\\plain)*)?|(?P<close>\}})|\\[\\{{}}]"
    rf"|\\u(?P<code>-?\d+) ?(?P<instead>{_BYTE}*)|\\uc(?P<skipped>\d)(?!\d)"
    rf"|(?P<bytes>{_BYTE}+)(?P<trail>[@-\[\]-z|~])?"
    r"|\\f(?P<font>\d+)|\\s(?P<style>\d+)|\\(?:ls|ilvl)\d+ ?"
)


def prepared(data: bytes) -> str:
    """The RTF as ASCII."""
    text = _DELETED.sub(r"\\v", data.decode("latin-1"))
    ready = _TWICE.sub(r"{\1}", sorted_out(text))
    ready = _ENDS.sub(lambda end: _PARTED[end[1]], ready)
    return "".join(_Writer(text).pieces(ready))


class _Writer:
    def __init__(self, text: str) -> None:
        self._page = _code_page(text)
        western = "cp1252" if self._page in _WIDE else self._page
        self._fonts = {
            font: _CHARSETS.get(int(number), western) for font, number in _FONT.findall(text)
        }
        self._levels = dict(_levels(text))
        self._state: tuple[str, int] = (self._page, 1)  # encoding; characters that follow `\uN`
        self._outer: list[tuple[str, int]] = []

    def pieces(self, text: str) -> Iterator[str]:
        at = 0
        for match in _TOKEN.finditer(text):
            yield text[at : match.start()]
            yield self._said(match)
            at = match.end()
        yield text[at:]

    def _said(self, match: re.Match[str]) -> str:
        kind = match.lastgroup
        if kind is None:
            return match[0] if match[0][1] in "\\{}" else "{}"  # not empty: it ends a control word
        encoding, skipped = self._state
        if kind in {"open", "item"}:
            self._outer.append(self._state)
            return "{" + (self._characters(ITEM) if match["item"] else "")
        if kind == "close":
            self._state = self._outer.pop() if self._outer else self._state
        elif kind == "skipped":
            self._state = (encoding, int(match["skipped"]))
        elif kind == "font":
            self._state = (self._fonts.get(match["font"], self._page), skipped)
        elif kind == "style" and match["style"] in self._levels:
            return rf"{match[0]}\outlinelevel{self._levels[match['style']]}"
        elif kind in {"bytes", "trail"}:
            return self._decoded(match["bytes"], match["trail"] or "")
        elif kind == "instead":
            return self._character(match)
        return match[0]

    def _character(self, match: re.Match[str]) -> str:
        """`\\uN`, the fallback bytes after it, and any further characters."""
        seen = _bytes(match["instead"])
        skipped = self._state[1]
        said = rf"\u{_unit(int(match['code']) % 0x10000)} "
        if len(seen) < skipped:
            return said + "?" * len(seen)
        rest = "".join(rf"\'{byte:02x}" for byte in seen[skipped:])
        return said + "?" * skipped + self._decoded(rest, "")

    def _decoded(self, run: str, trail: str) -> str:
        """The second byte of a character may be written as a letter."""
        data, encoding = _bytes(run), self._state[0]
        whole = codecs.getincrementaldecoder(encoding)("replace")
        text = whole.decode(data)
        if whole.getstate()[0] and trail:
            return self._characters(text + whole.decode(trail.encode(), final=True))
        return self._characters(text + whole.decode(b"", final=True)) + trail

    def _characters(self, text: str) -> str:
        units = memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")
        skipped = "?" * self._state[1]
        return "".join(rf"\u{_unit(unit)} {skipped}" for unit in units)


def _unit(unit: int) -> int:
    """Maps lone surrogates, which pandoc drops, to private use characters; others are unchanged."""
    return unit + _MOVED if 0xD800 <= unit <= 0xDFFF else unit


def joined(text: str) -> str:
    """The text with the surrogates that `prepared` mapped put back together."""
    return _HALVES.sub(_whole, text)


def _whole(match: re.Match[str]) -> str:
    if match[3]:
        return "\N{REPLACEMENT CHARACTER}"
    high, low = (ord(half) - _MOVED for half in match.group(1, 2))
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


def _bytes(run: str) -> bytes:
    return re.sub(r"\\'(..)", lambda match: chr(int(match[1], 16)), run).encode("latin-1")


def _code_page(text: str) -> str:
    found = _PAGE.search(text[:2000])
    if found is None:
        return "cp1252"
    name = _PAGES.get(found[1]) or f"cp{found[2]}"
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "cp1252"


def _levels(text: str) -> Iterator[tuple[str, int]]:
    """The heading styles and their levels."""
    sheet = text.find(r"{\stylesheet")
    for style, rest in _STYLE.findall(text, sheet) if sheet >= 0 else ():
        if found := _LEVEL.search(rest):
            level, number, _ = found.groups()
            yield style, int(number) - 1 if number else int(level or 0)
