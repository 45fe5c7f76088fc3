"""Formulas of web pages, e-books and OpenDocument as one line, like those of Office."""

from collections.abc import Callable

from lxml import etree

from documents.extraction.formulas import grouped
from documents.extraction.xml_packages import local_name

_UNSEEN = frozenset({"annotation", "annotation-xml", "mphantom", "none", "mprescripts"})


def formula(node: etree._Element) -> str:
    """A `math` element as text, such as `x=(−b±√(b^2−4ac))/2a`; its bare text if nested too
    deeply."""
    try:
        return " ".join(_said(node).split())
    except RecursionError:
        return " ".join("".join(node.itertext()).split())


def _said(node: etree._Element) -> str:
    name = local_name(node)
    if not name or name in _UNSEEN:
        return ""
    write = _WRITTEN.get(name)
    return write(node) if write else (node.text or "").strip() + _row(node)


def _row(node: etree._Element) -> str:
    # A list: generators would use C stack at each level.
    return "".join([_said(child) for child in node])


def _parts(node: etree._Element, count: int) -> list[str]:
    """The texts of the first `count` children; "" for a missing one."""
    said = [_said(child).strip() for child in node if local_name(child)]
    return [*said, *[""] * count][:count]


def _scripts(*signs: str) -> Callable[[etree._Element], str]:
    def write(node: etree._Element) -> str:
        base, *scripts = _parts(node, 1 + len(signs))
        marks = (s + grouped(text) for s, text in zip(signs, scripts, strict=True) if text)
        return f"{grouped(base)}{''.join(marks)}"

    return write


def _accented(node: etree._Element) -> str:
    """Something over a base: an accent before it, a limit like a superscript."""
    base, over = _parts(node, 2)
    return f"{over}{base}" if len(over) == 1 and not over.isalnum() else f"{base}^{grouped(over)}"


def _fraction(node: etree._Element) -> str:
    above, below = _parts(node, 2)
    return f"{grouped(above)}/{grouped(below)}"


def _root(node: etree._Element) -> str:
    inner, degree = _parts(node, 2)
    return f"{degree}√{grouped(inner)}"


def _square_root(node: etree._Element) -> str:
    return f"√{grouped(_row(node).strip())}"


def _fenced(node: etree._Element) -> str:
    separator = node.get("separators", ",")[:1]
    inner = separator.join(_said(child).strip() for child in node)
    return f"{node.get('open', '(')}{inner}{node.get('close', ')')}"


def _operator(node: etree._Element) -> str:
    text = (node.text or "").strip()
    return {"\N{FUNCTION APPLICATION}": " ", "\N{INVISIBLE TIMES}": ""}.get(text, text)


def _words(node: etree._Element) -> str:
    return f" {''.join(node.itertext()).strip()} "


def _matrix(node: etree._Element) -> str:
    rows = ([_said(cell).strip() for cell in row] for row in node)
    return f"[{'; '.join(map(' '.join, rows))}]"


_WRITTEN: dict[str, Callable[[etree._Element], str]] = {
    "msup": _scripts("^"),
    "msub": _scripts("_"),
    "msubsup": _scripts("_", "^"),
    "munder": _scripts("_"),
    "mover": _accented,
    "munderover": _scripts("_", "^"),
    "mfrac": _fraction,
    "msqrt": _square_root,
    "mroot": _root,
    "mfenced": _fenced,
    "mo": _operator,
    "mtext": _words,
    "mtable": _matrix,
    "mspace": lambda node: " ",
}
