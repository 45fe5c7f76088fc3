"""Charts of office files, as the title and the table of numbers behind them."""

from collections.abc import Iterator

from lxml import etree
from unstructured.documents.elements import Element

from documents.extraction import parts

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_MOST_POINTS = 1000


def chart_elements(root: etree._Element | None, page: int | None = None) -> Iterator[Element]:
    if root is None:
        return
    title = root.find(f"{_C}chart/{_C}title")
    text = "".join(node.text or "" for node in title.iter(f"{_A}t")) if title is not None else ""
    if text.strip():
        yield parts.paragraph(text, page)
    made = parts.table(_rows(list(root.iter(f"{_C}ser"))), page)
    if made is not None:
        yield made


def _rows(series: list[etree._Element]) -> list[list[str]]:
    """A row for every category, a column for every series."""
    names = [next(iter(_points(each, "tx").values()), "") for each in series]
    labels = _points(series[0], "cat") or _points(series[0], "xVal") if series else {}
    values = [_points(each, "val") or _points(each, "yVal") for each in series]
    places = sorted({at for each in (labels, *values) for at in each})[:_MOST_POINTS]
    rows = [[labels.get(at, ""), *(each.get(at, "") for each in values)] for at in places]
    return [["", *names], *rows] if rows else []


def _points(series: etree._Element, kind: str) -> dict[int, str]:
    """The points that the chart keeps of a series' names, labels or values."""
    node = series.find(f"{_C}{kind}")
    found = {}
    for point in node.iter(f"{_C}pt") if node is not None else ():
        value, at = point.find(f"{_C}v"), point.get("idx", "")
        if value is not None and at.isdigit():
            found[int(at)] = value.text or ""
    return found
