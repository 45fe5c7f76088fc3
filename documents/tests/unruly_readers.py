"""Readers that do what a reader must not; the file's text says which. Run only in a sandbox."""

import ctypes
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from documents.exceptions import CorruptFile
from documents.extraction.elements import Element, Extracted
from documents.extraction.reading import Reading


def read(reading: Reading) -> Extracted:
    what = reading.path.read_text().split()
    answer = str(_DEEDS[what[0]](reading, *what[1:]))
    return Extracted(answer, (Element("text", 0, len(answer)),), pages=1)


def check(reading: Reading) -> None:
    read(reading)


def _progress(reading):
    for page in (1, 2, 3):
        reading.report(page, 3)


def _hang(reading):
    reading.report(os.getpid(), 0)
    while True:
        time.sleep(60)


def _escape(reading):
    """Start a process of its own session, which outlives the reader unless somebody looks."""
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    reading.report(child.pid, 0)


def _leave(reading):
    """Die, and leave somebody behind who has all that was open, in a session of its own."""
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
    os.abort()


def _recurse(reading):
    return _recurse(reading)


def _corrupt(reading):
    raise CorruptFile("Page 3 is damaged.")


def _vanish(reading):
    """The document is deleted before its reader comes to open it."""
    reading.path.unlink()
    return reading.path.read_text()


def _fill_memory(reading):
    return len(b"x" * 2_000_000_000)


def _connect(reading, port):
    socket.create_connection(("127.0.0.1", int(port)), timeout=5)


def _look_up(reading, port):
    socket.getaddrinfo("example.org", port)


def _connect_from_a_program(reading, port):
    code = f"import socket; socket.create_connection(('127.0.0.1', {port}), timeout=5)"
    return subprocess.run(
        [sys.executable, "-c", code], stderr=subprocess.DEVNULL, check=False
    ).returncode


def _write(reading):
    Path("large").write_bytes(b"x" * 100_000_000)


_DEEDS = {
    "abort": lambda reading: os.abort(),
    "burn": lambda reading: sum(iter(int, 1)),
    "connect": _connect,
    "connect_from_a_program": _connect_from_a_program,
    "corrupt": _corrupt,
    "environment": lambda reading: sorted(os.environ),
    "escape": _escape,
    "exit": lambda reading: sys.exit("no"),
    "fill_memory": _fill_memory,
    "folder": lambda reading: Path.cwd(),
    "hang": _hang,
    "leave": _leave,
    "look_up": _look_up,
    "progress": _progress,
    "recurse": _recurse,
    "vanish": _vanish,
    "segfault": lambda reading: ctypes.string_at(0),
    "server": lambda reading: os.getppid(),
    "self": lambda reading: os.getpid(),
    "write": _write,
}
