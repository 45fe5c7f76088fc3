"""The product's readers, which a test can make misbehave. Run only in a sandbox.

A file that contains `DEED name` makes its reader do that first.
"""

import ctypes
import mmap
import os
import re
import signal
import time

from documents.steps import confined

check, split = confined.check, confined.split
_SILENCE = re.compile(rb"HOLD THE GIL FOR (\d+) SECONDS")
_DEED = re.compile(rb"DEED (\w+)")
_BOMBS = 7  # how often the number of processes doubles


def read(reading):
    """The product's `read`, after what the file asks for."""
    content = reading.path.read_bytes()
    if asked := _SILENCE.search(content):
        ctypes.PyDLL(None).sleep(int(asked[1]))  # a PyDLL holds the GIL while it runs
    if asked := _DEED.search(content):
        _DEEDS[asked[1].decode()]()
    return confined.read(reading)


def _fill_memory():
    """Until Python gets no more memory."""
    hoard = []
    while True:
        hoard.append(bytes(64_000_000))


def _fill_memory_in_c():
    """Like a C library that aborts if an allocation fails."""
    size = 1_300_000_000
    memory = mmap.mmap(-1, size)
    for at in range(0, size, mmap.PAGESIZE):
        memory[at] = 1
    os.abort()


def _loop_in_c():
    """Search for longer than the universe has existed, holding the GIL."""
    re.match(r"(a+)+$", "a" * 100 + "b")


def _fork():
    """Double, each half in its own session, which signals to the group don't reach."""
    for _ in range(_BOMBS):
        if os.fork() == 0:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _fork_and_stay():
    _fork()
    time.sleep(3600)  # lasts until somebody ends it


def _fork_and_die():
    first = os.getpid()
    _fork()
    if os.getpid() == first:
        os.abort()
    time.sleep(3600)  # lasts until somebody ends it


_DEEDS = {
    "abort": os.abort,
    "fill_memory": _fill_memory,
    "fill_memory_in_c": _fill_memory_in_c,
    "fork_and_die": _fork_and_die,
    "fork_and_stay": _fork_and_stay,
    "loop_in_c": _loop_in_c,
    "segfault": lambda: ctypes.string_at(0),
}
