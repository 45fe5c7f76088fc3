"""Office formulas as one line, much like Unicode Technical Note 28 (UnicodeMath)."""

import re
import unicodedata
from collections.abc import Iterator

from lxml import etree

from documents.extraction.xml_packages import local_name

MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_COMPOUND = re.compile(r"[\s+−\-±×·/=,<>≤≥→]")  # operators that bind no tighter than a fraction bar
_APPLY = "\N{FUNCTION APPLICATION}"
_SCRIPTED = frozenset({"sSup", "sSub", "sSubSup"})
_HAT = "\N{COMBINING CIRCUMFLEX ACCENT}"  # the default accent


def formula(node: etree._Element) -> str:
    """An `m:oMath` or `m:oMathPara` as text, such as `f(x)=∑_(n=1)^∞ (a_n+1)/2`."""
    text = _lines(node) if local_name(node) == "oMathPara" else _children(node)
    return text.replace(f"{_APPLY}(", "(").replace(_APPLY, " ").strip()


def _children(node: etree._Element | None) -> str:
    """The text of the children. A script without brackets ends before what could belong to it."""
    text, scripted = "", False
    for part in node if node is not None else ():
        said = _said(part)
        parted = scripted and said[:1].isalnum() and text[-1:].isalnum()
        text += f" {said}" if parted else said
        scripted = local_name(part) in _SCRIPTED
    return text


def _said(node: etree._Element) -> str:
    """A part of a formula. An unknown element becomes its content."""
    if not isinstance(node.tag, str) or not node.tag.startswith(MATH):
        return ""
    name = local_name(node)
    if name == "t":
        return node.text or ""
    if name.endswith("Pr"):
        return ""
    write = _WRITTEN.get(name)
    return write(node) if write else _children(node)


def _part(node: etree._Element, name: str) -> str:
    return _children(node.find(MATH + name)).strip()


def grouped(text: str) -> str:
    """A part of a formula, in brackets where it would be ambiguous without."""
    return f"({text})" if _COMPOUND.search(text) and not _is_bracketed(text) else text


def _is_bracketed(text: str) -> bool:
    return text[0] == "(" and text.find(")") == len(text) - 1


def _setting(node: etree._Element, name: str, default: str) -> str:
    """A property of a part: `default` if it is missing, "" if it is there but empty."""
    setting = node.find(f"{MATH}{local_name(node)}Pr/{MATH}{name}")
    return default if setting is None else str(setting.get(f"{MATH}val", ""))


def _scripts(node: etree._Element) -> str:
    lower, upper = _part(node, "sub"), _part(node, "sup")
    return (f"_{grouped(lower)}" if lower else "") + (f"^{grouped(upper)}" if upper else "")


def _scripted(node: etree._Element) -> str:
    return grouped(_part(node, "e")) + _scripts(node)


def _before(node: etree._Element) -> str:
    return f"{_scripts(node)} {_part(node, 'e')}"


def _fraction(node: etree._Element) -> str:
    line = "¦" if _setting(node, "type", "bar") == "noBar" else "/"  # no fraction bar: "n over k"
    return grouped(_part(node, "num")) + line + grouped(_part(node, "den"))


def _delimited(node: etree._Element) -> str:
    separator = _setting(node, "sepChr", "|")
    inner = separator.join(_children(each).strip() for each in node.findall(f"{MATH}e"))
    return _setting(node, "begChr", "(") + inner + _setting(node, "endChr", ")")


def _big(node: etree._Element) -> str:
    """A sum, a product, an integral; an integral by default."""
    scripts, inner = _scripts(node), _part(node, "e")
    return f"{_setting(node, 'chr', '∫')}{scripts}{' ' if scripts and inner else ''}{inner}"


def _root(node: etree._Element) -> str:
    return {"3": "∛", "4": "∜"}.get(degree := _part(node, "deg"), f"{degree}√") + (
        grouped(_part(node, "e"))
    )


def _applied(node: etree._Element) -> str:
    name, inner = _part(node, "fName"), _part(node, "e")
    return f"{name}{'' if inner.startswith('(') else ' '}{inner}"


def _accented(node: etree._Element) -> str:
    inner, accent = _part(node, "e"), _setting(node, "chr", _HAT)
    return unicodedata.normalize("NFC", inner + accent) if len(inner) == 1 else accent + inner


def _limit(node: etree._Element) -> str:
    mark = "_" if local_name(node) == "limLow" else "^"
    return f"{_part(node, 'e')}{mark}{grouped(_part(node, 'lim'))}"


def _matrix(node: etree._Element) -> str:
    rows = (map(_children, row.findall(f"{MATH}e")) for row in node.findall(f"{MATH}mr"))
    return f"[{'; '.join(' '.join(map(str.strip, row)) for row in rows)}]"


def _lines(node: etree._Element) -> str:
    return "\n".join(_formulas(node, "oMath" if local_name(node) == "oMathPara" else "e"))


def _formulas(node: etree._Element, name: str) -> Iterator[str]:
    return (text for each in node.findall(MATH + name) if (text := _children(each).strip()))


_WRITTEN = {
    "sSup": _scripted,
    "sSub": _scripted,
    "sSubSup": _scripted,
    "sPre": _before,
    "f": _fraction,
    "d": _delimited,
    "nary": _big,
    "rad": _root,
    "func": _applied,
    "acc": _accented,
    "limLow": _limit,
    "limUpp": _limit,
    "m": _matrix,
    "eqArr": _lines,
}
