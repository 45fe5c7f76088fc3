"""Inheritance of styles in office files."""

from collections.abc import Iterator, Mapping

_LONGEST = 20  # there may be cycles


def chain(name: str, parents: Mapping[str, str]) -> Iterator[str]:
    """A style and its ancestors, the nearest first; `parents` is the parent of every style."""
    for _ in range(_LONGEST):
        if name not in parents:
            return
        yield name
        name = parents[name]


def nearest(name: str, said: Mapping[str, str], parents: Mapping[str, str]) -> str:
    """The value of a style or its nearest ancestor that has one; "" if none has."""
    return next(filter(None, (said[each] for each in chain(name, parents))), "")
