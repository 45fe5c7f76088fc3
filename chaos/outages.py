"""Keeps a server down for a while, although the supervisor restarts whatever dies."""

import time
from contextlib import contextmanager

import psutil


@contextmanager
def gone(stack, name, *, number=None):
    """Kill a process of the stack (or send it `number`); it is not restarted before the block ends.

    The supervisor is frozen meanwhile. Yields the pid that the process had.
    """
    supervisor = psutil.Process(stack.supervisor.pid)
    supervisor.suspend()
    try:
        pid = stack.kill(name) if number is None else stack.kill(name, number)
        yield pid
    finally:
        supervisor.resume()


@contextmanager
def frozen(stack, name):
    stack.freeze(name)
    try:
        yield stack.pid(name)
    finally:
        stack.thaw(name)


def lasting(seconds):
    """Iterate until `seconds` are over: the length of the outage is part of the fault."""
    ends_at = time.monotonic() + seconds
    while (left := ends_at - time.monotonic()) > 0:
        yield left
        time.sleep(min(0.5, max(0, ends_at - time.monotonic())))  # the outage continues meanwhile


def timed(call, *args, **values):
    """A call's result, and how many seconds it took."""
    started = time.monotonic()
    return call(*args, **values), time.monotonic() - started
