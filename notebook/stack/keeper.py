"""Keeps one child alive: says when it died and why, starts it again, gives up in the end."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from notebook.stack.child import Child
from notebook.stack.console import say
from notebook.stack.exceptions import StackError

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0
MAX_DEATHS = 5
WINDOW_SECONDS = 60


async def keep(child: Child, *, start: Callable[[], Awaitable[object]]) -> None:
    """Run until cancelled; StackError when `child` dies more than five times in a minute."""
    deaths: deque[float] = deque()
    while True:
        await child.wait()
        deaths.append(time.monotonic())
        while deaths[0] < deaths[-1] - WINDOW_SECONDS:
            deaths.popleft()
        if len(deaths) > MAX_DEATHS:
            raise StackError(
                f"{child.name} stopped {len(deaths)} times within a minute,"
                f" the last time: {child.obituary()}"
            )
        say(_news(child))
        await asyncio.sleep(pause_after(len(deaths)))
        await start()


def pause_after(deaths: int) -> float:
    """Seconds to wait before the next start: 0.5, 1, 2, 4, 8, 8, ..."""
    return min(FIRST_PAUSE_SECONDS * (1 << deaths - 1), LONGEST_PAUSE_SECONDS)


def _news(child: Child) -> str:
    text = f"{child.name} stopped ({child.why_it_ended()}); starting it again. Log: {child.log}"
    if (child.exit_code or 0) > 0:  # an error of its own, which the log explains
        text += "".join(f"\n  {line}" for line in child.last_lines())
    return text
