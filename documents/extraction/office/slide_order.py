"""The reading order of a slide's shapes: the order of drawing, unless positions contradict it.

A shape is read before those below it and those to its right.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from lxml import etree

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_MOST = 150  # shapes; with more, as in exploded drawings, no order is intended
_FRAMES = ("spPr", "grpSpPr")  # where shapes and groups have their position; tables have their own
_TOUCHING = 0.25  # share of the smaller box that may overlap: boxes are often too large
_BESIDE = 0.5  # share of it that is beside the other


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float


def box_of(shape: etree._Element) -> Box | None:
    """The bounding box of a shape, in the coordinates of its group."""
    frame = shape.find(f"{_P}xfrm")
    for tag in _FRAMES:
        frame = shape.find(f"{_P}{tag}/{_A}xfrm") if frame is None else frame
    offset, size = (
        frame.find(f"{_A}{tag}") if frame is not None else None for tag in ("off", "ext")
    )
    if offset is None or size is None:
        return None
    try:
        left, top = float(offset.get("x", "")), float(offset.get("y", ""))
        return Box(left, top, left + float(size.get("cx", "")), top + float(size.get("cy", "")))
    except ValueError:
        return None


def in_order(
    shapes: Sequence[etree._Element],
    box: Callable[[etree._Element], Box | None],
    *,
    mirrored: bool = False,
) -> Iterator[etree._Element]:
    """The shapes of a slide or a group, each after those that are read before it.

    `mirrored`: from right to left.
    """
    if len(shapes) > _MOST:
        yield from shapes
        return
    boxes = [_mirror(box(shape)) if mirrored else box(shape) for shape in shapes]
    left = list(range(len(shapes)))
    earlier = [{b for b in left if _is_before(boxes[b], boxes[at])} for at in left]
    while left:
        at = next((at for at in left if earlier[at].isdisjoint(left)), left[0])
        left.remove(at)
        yield shapes[at]


def _mirror(box: Box | None) -> Box | None:
    return box and Box(-box.right, box.top, -box.left, box.bottom)


def _is_before(one: Box | None, other: Box | None) -> bool:
    if one is None or other is None:
        return False
    across = _shared(one.left, one.right, other.left, other.right)
    down = _shared(one.top, one.bottom, other.top, other.bottom)
    is_above = one.top < other.top and down <= _TOUCHING and across > _BESIDE
    is_left = one.left < other.left and across <= _TOUCHING and down > _BESIDE
    return is_above or is_left


def _shared(start: float, end: float, start2: float, end2: float) -> float:
    """The overlap of two intervals as a share of the shorter, from 0; negative if they are
    apart."""
    shorter = min(end - start, end2 - start2)
    return (min(end, end2) - max(start, start2)) / shorter if shorter > 0 else 0
