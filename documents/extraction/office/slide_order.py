"""In which order the shapes of a slide are read: as they were drawn, unless people would not.

What stands above another is read before it, and so is what stands on its left.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from lxml import etree

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_MOST = 150  # shapes; where there are more, as in drawings of parts, no order is meant
_FRAMES = ("spPr", "grpSpPr")  # where a shape's or a group's place is told; a table's is its own
_TOUCHING = 0.25  # of the smaller of two boxes may lie over the other, which often is too large
_BESIDE = 0.5  # of it lies beside the other


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float


def box_of(shape: etree._Element) -> Box | None:
    """Where a shape says it lies, in units that all shapes of its group share."""
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

    `mirrored` ones are read from the right.
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
    """How much of the shorter of two stretches both have, from 0; less where they are apart."""
    shorter = min(end - start, end2 - start2)
    return (min(end, end2) - max(start, start2)) / shorter if shorter > 0 else 0
