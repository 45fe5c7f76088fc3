"""What many paused steps may wait for at the same time, and how they go on when it is there.

`StepPaused.waits_for` is "kind:key". Apps register how to find out whether one of a kind is there,
so that not each step has to look for itself.
"""

from collections.abc import Callable

from tasks import outbox

FIRST = 8  # steps
MOST = 100_000

_kinds: dict[str, Callable[[str], bool]] = {}


def register(kind: str, is_there: Callable[[str], bool]) -> None:
    """`is_there` gets the key; it may take some seconds."""
    _kinds[kind] = is_there


def is_there(waits_for: str) -> bool:
    """Whether those that wait for this can go on; False for a kind of a newer version."""
    kind, _, key = waits_for.partition(":")
    return kind in _kinds and _kinds[kind](key)


class Waker:
    """Lets waiting steps go on, the earliest first: few in the first round, twice as many in each
    that follows, until what they wait for is gone again. So an endpoint that came back is not
    overrun, and one that takes twenty requests a minute is not asked by thousands."""

    def __init__(self) -> None:
        self._woken: dict[str, int] = {}  # at most, in the last round

    def wake(self) -> int:
        """One round; how many were woken. May block for some seconds."""
        self._woken = {name: self._next(name) for name in outbox.awaited()}
        woken = sum(outbox.wake(name, most) for name, most in self._woken.items() if most)
        if woken:
            outbox.publish_due()
        return woken

    def _next(self, name: str) -> int:
        if not is_there(name):
            return 0
        return min(MOST, 2 * self._woken.get(name, 0) or FIRST)
