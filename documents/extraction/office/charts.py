"""Charts of office files: the title and the table of their data. Diagrams: their texts."""

from collections import Counter
from collections.abc import Iterator, Sequence

from lxml import etree
from unstructured.documents.elements import Element

from documents.extraction import build
from documents.extraction.office.cell_values import formatted

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}dataModel"
_MOST_POINTS = 1000

Points = dict[int, str]


def chart_elements(root: etree._Element | None, page: int | None = None) -> Iterator[Element]:
    if root is None:
        return
    title = root.find(f"{_C}chart/{_C}title")
    text = "".join(node.text or "" for node in title.iter(f"{_A}t")) if title is not None else ""
    if text.strip():
        yield build.paragraph(text, page)
    epoch = root.find(f"{_C}date1904")
    since_1904 = epoch is not None and epoch.get("val", "1") in {"1", "true"}
    made = build.table(_rows(list(root.iter(f"{_C}ser")), since_1904=since_1904), page)
    if made is not None:
        yield made


def drawn_elements(root: etree._Element | None) -> Iterator[Element]:
    """A chart, or the texts of a diagram's shapes (SmartArt)."""
    if root is None or root.tag != _DIAGRAM:
        yield from chart_elements(root)
        return
    for line in root.iter(f"{_A}p"):
        text = "".join(node.text or "" for node in line.iter(f"{_A}t"))
        if text.strip():
            yield build.list_item(text)


def _rows(series: Sequence[etree._Element], *, since_1904: bool) -> list[list[str]]:
    """A row for every category, or x value, and a column for every series."""

    def points(each: etree._Element, *kinds: str) -> Points:
        found = (_points(each, kind, since_1904=since_1904) for kind in kinds)
        return next(filter(None, found), {})

    names = [next(iter(points(each, "tx").values()), "") for each in series]
    values = [points(each, "val", "yVal") for each in series]
    labels = [points(each, "cat", "xVal") for each in series]
    is_scattered = any(each.find(f"{_C}xVal") is not None for each in series)
    rows = _scattered(labels, values) if is_scattered else _in_categories(labels, values)
    return [["", *names], *rows] if rows else []


def _in_categories(labels: Sequence[Points], values: Sequence[Points]) -> list[list[str]]:
    """The categories are those of the first series."""
    first = labels[0] if labels else {}
    places = sorted({at for each in (first, *values) for at in each})[:_MOST_POINTS]
    return [[first.get(at, ""), *(each.get(at, "") for each in values)] for at in places]


def _scattered(labels: Sequence[Points], values: Sequence[Points]) -> list[list[str]]:
    """Every series has its own x values; a row may hold several series with the same one."""
    rows: dict[tuple[str, int], list[str]] = {}
    for column, (own, heights) in enumerate(zip(labels, values, strict=True), 1):
        times, places = Counter[str](), own or labels[0]
        for at, height in heights.items():
            place = places.get(at, "")
            times[place] += 1
            key = place, times[place]
            if key in rows or len(rows) < _MOST_POINTS:
                row = rows.setdefault(key, [place, *[""] * len(labels)])
                row[column] = height
    return list(rows.values())


def _points(series: etree._Element, kind: str, *, since_1904: bool) -> Points:
    """The stored points of a series' names, labels or values, as the chart shows them."""
    node = series.find(f"{_C}{kind}")
    if node is None:
        return {}
    code = next((each.text or "" for each in node.iter(f"{_C}formatCode")), "")
    found = {}
    for point in node.iter(f"{_C}pt"):
        value, at = point.find(f"{_C}v"), point.get("idx", "")
        if value is not None and at.isdigit():
            own = point.get("formatCode", code)
            found[int(at)] = formatted(value.text or "", own, since_1904=since_1904)
    return found
