"""Styles of office files, which may be based on others."""

from collections.abc import Iterator, Mapping

_LONGEST = 20  # it may go in a circle


def chain(name: str, parents: Mapping[str, str]) -> Iterator[str]:
    """A style and those it is based on, the nearest first; `parents` has all there are."""
    for _ in range(_LONGEST):
        if name not in parents:
            return
        yield name
        name = parents[name]


def nearest(name: str, said: Mapping[str, str], parents: Mapping[str, str]) -> str:
    """What a style says, or else the nearest of those it is based on; "" for nothing."""
    return next(filter(None, (said[each] for each in chain(name, parents))), "")
