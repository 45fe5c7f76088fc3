"""At the points of `kill_points` a step can also be made to wait, or to raise an exception.

By a file beside those of `kill_points`: `<STEP_TYPE>.<point>.wait` holds the first process that
reaches the point until the file, then renamed to `.waiting`, is removed;
`<STEP_TYPE>.<point>.raise` names a builtin exception, which each process that reaches the point
raises as long as the file exists.
"""

import builtins
import functools
import threading
import time
from contextlib import contextmanager

from django.apps import AppConfig
from django.conf import settings

from notebook.tests.live import until


class Orders(AppConfig):
    name = "chaos.orders"

    def ready(self):
        from chaos import kill_points

        kill_points.strike_if_armed = _obeying(kill_points.strike_if_armed)


def _obeying(strike_if_armed):
    @functools.wraps(strike_if_armed)
    def wrapped(step_type, point):
        _wait_if_told(settings.ARMED_DIR / f"{step_type}.{point}.wait")
        _raise_if_told(settings.ARMED_DIR / f"{step_type}.{point}.raise")
        strike_if_armed(step_type, point)

    return wrapped


def _wait_if_told(order):
    taken = order.with_suffix(".waiting")
    try:
        order.rename(taken)
    except FileNotFoundError:  # no order, or another process was first
        return
    while taken.exists():
        time.sleep(0.005)  # no event for a removed file


def _raise_if_told(order):
    try:
        name = order.read_text()
    except FileNotFoundError:
        return
    raise getattr(builtins, name)("told to by a test")


# --- For tests -----------------------------------------------------------------------------------
class Held:
    """A step that waits at a point; use `until_there`, then `release`."""

    def __init__(self, wait):
        self._wait, self._waiting = wait, wait.with_suffix(".waiting")

    def until_there(self, *, seconds=30):
        until(self._waiting.exists, bool, seconds=seconds)

    def release(self):
        for path in (self._wait, self._waiting):
            path.unlink(missing_ok=True)


@contextmanager
def held(stack, step_type, point):
    """The next process that reaches this point waits there, at most until the block ends."""
    order = stack.data_dir / "armed" / f"{step_type}.{point}.wait"
    order.touch()
    here = Held(order)
    try:
        yield here
    finally:
        here.release()


@contextmanager
def raising(stack, step_type, point, name):
    """Every process that reaches this point before the block ends raises this exception."""
    order = stack.data_dir / "armed" / f"{step_type}.{point}.raise"
    draft = order.with_suffix(".draft")
    draft.write_text(name)
    draft.rename(order)
    try:
        yield
    finally:
        order.unlink(missing_ok=True)


@contextmanager
def unanswered(embedder):
    """The embedding endpoint accepts requests but does not answer before the block ends."""
    released = threading.Event()
    embedder.misbehave = lambda request: released.wait(60) and None
    try:
        yield
    finally:
        released.set()
        embedder.misbehave = lambda request: None
