"""Keeps one child alive: reports when it died and why, and restarts it.

A child that ran for a while is restarted at once, however often. One that keeps dying right after
its start has a lasting problem: if it is vital the whole stack stops; any other, or one whose disk
is full, is retried now and then, while the rest goes on.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from notebook.stack.child import Child
from notebook.stack.console import say
from notebook.stack.exceptions import StackError
from tasks.exceptions import is_storage_full

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0
QUICK_SECONDS = 10
MAX_QUICK_DEATHS = 5


async def keep(child: Child, *, start: Callable[[], Awaitable[object]]) -> None:
    """Run until cancelled; StackError when a vital `child` has six quick deaths in a row."""
    quick = 0
    while True:
        started = time.monotonic()
        await child.wait()
        quick = quick + 1 if time.monotonic() - started < QUICK_SECONDS else 0
        if quick > MAX_QUICK_DEATHS and child.command.vital and not child.starves():
            raise StackError(f"{child.name} does not stay up: {child.failure_report()}")
        _tell(child, quick)
        await asyncio.sleep(pause_after(quick))
        await _start(child, start)


async def _start(child: Child, start: Callable[[], Awaitable[object]]) -> None:
    """Start it; if the disk is too full for its log or settings, as soon as there is space."""
    while True:
        try:
            await start()
        except OSError as error:
            if not is_storage_full(error):
                raise
            say(f"{child.name} can't be started: the disk is full.")
            await asyncio.sleep(LONGEST_PAUSE_SECONDS)
        else:
            return


def pause_after(quick_deaths: int) -> float:
    """Seconds to wait before the next start: 0.5, 0.5, 1, 2, 4, 8, 8, ..."""
    return min(FIRST_PAUSE_SECONDS * (1 << max(0, quick_deaths - 1)), LONGEST_PAUSE_SECONDS)


def _tell(child: Child, quick: int) -> None:
    if quick <= MAX_QUICK_DEATHS:
        say(_news(child))
    elif quick == MAX_QUICK_DEATHS + 1:  # once; the same every few seconds helps nobody
        say(
            f"{child.name} does not stay up: {child.failure_report()}\n"
            f"  The rest works on; it is started again every {LONGEST_PAUSE_SECONDS:.0f} s."
        )


def _news(child: Child) -> str:
    text = f"{child.name} stopped ({child.why_it_ended()}); starting it again. Log: {child.log}"
    if (child.exit_code or 0) > 0:  # an error of its own, which the log explains
        text += "".join(f"\n  {line}" for line in child.last_lines())
    return text
