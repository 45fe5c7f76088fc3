"""Reads untrusted files in a confined child process. A worker process keeps one, warm."""

import atexit
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import documents
from documents.exceptions import (
    ReaderCrashed,
    ReaderLost,
    ReaderTimeout,
    ReadingPaused,
    ReadingStopped,
)
from documents.extraction.elements import Extracted, Passage
from documents.extraction.sandbox.results import Gathered, Message, death_of, error_of
from documents.limits import Limits

Report = Callable[[int, int], None]
Known = dict[int, dict[str, Any]]  # what OCR read of which page
Keep = Callable[[int, dict[str, Any]], None]
Take = Callable[[Message], None]
ShouldStop = Callable[[], bool]

_PROJECT = Path(documents.__file__).resolve().parents[1]
_SERVER = "documents.extraction.sandbox.server"
_POLL = 0.25  # seconds between checks of the clock and of should_stop
_LONGEST_LINE = 16 << 20  # bytes; an honest reader sends less
_GRACE = 10.0  # seconds for answers that the server can always give at once
# None of our own variables: no proxies, passwords or settings. The rest turns telemetry off.
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "DO_NOT_TRACK": "1",
    "SCARF_NO_ANALYTICS": "1",
    "UNSTRUCTURED_DISABLE_NOTICE": "1",
    **{
        key: os.environ[key]
        for key in ("PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR")
        if key in os.environ
    },
}


class ServerGoneError(Exception):
    """The warm process ended."""


class Sandbox:
    """One warm child process, started on first use, which forks for every document.

    `readers` names the module whose `read`, `check` and `split` run in the fork. Threads that share
    a sandbox take turns.
    """

    def __init__(self, readers: str = "documents.steps.confined") -> None:
        self._readers = readers
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._owed = False  # the server has not yet reported how the last child ended

    def read(
        self,
        path: Path,
        *,
        content_type: str,
        name: str,
        limits: Limits,
        report: Report = lambda done, total: None,
        should_stop: ShouldStop = lambda: False,
        known: Known | None = None,
        keep: Keep = lambda page, read: None,
    ) -> Extracted:
        """Read the file. `report(done, total)` counts pages, sections or sheets.

        Each page that OCR reads is passed to `keep`; pass those as `known` in the next turn.
        `should_stop` is called four times a second. Raises ReadingPaused, ReadingStopped,
        ReaderTimeout, ReaderCrashed, ReaderOutOfMemory, ReaderLost, or the reader's own
        DocumentError.
        """
        gathered = Gathered(limits)

        def take(message: Message) -> None:
            if "done" in message:
                report(message["done"], message["total"])
            elif "page" in message:
                keep(message["page"], message["read"])
            else:
                gathered.take(message)

        request = _request(
            "read", path, limits, content_type=content_type, name=name, known=known or {}
        )
        return gathered.extracted(self._ask(request, limits, take, should_stop))

    def check(self, path: Path, *, content_type: str, name: str, limits: Limits) -> None:
        """Open the file without reading it. Raises as `read` does."""
        request = _request("check", path, limits, content_type=content_type, name=name)
        self._ask(request, limits, lambda message: None, lambda: False)

    def split(
        self,
        path: Path,
        *,
        options: dict[str, Any],
        limits: Limits,
        should_stop: ShouldStop = lambda: False,
    ) -> list[Passage]:
        """The passages of the text in a file, by `options`. Raises as `read` does."""
        gathered = Gathered(limits)
        request = _request("split", path, limits, options=options)
        self._ask(request, limits, gathered.take, should_stop)
        return gathered.passages

    def start(self) -> None:
        """Start the warm process now rather than for the first file."""
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        self._control, theirs = socket.socketpair()
        self._owed = False
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", _SERVER, str(theirs.fileno()), self._readers],
                pass_fds=(theirs.fileno(),),
                env=_ENVIRONMENT,
                cwd=_PROJECT,
                stdin=subprocess.DEVNULL,
                process_group=0,  # a Ctrl-C is for the worker to handle
            )
        # Reaps it if it is killed, even if no other file follows.
        threading.Thread(target=self._process.wait, name="reaper", daemon=True).start()

    def close(self) -> None:
        """End the warm process and its children, unless it is our parent's."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None and self._owner == os.getpid():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
            self._process.kill()
            self._process.wait()
            self._process = None

    def _ask(self, request: bytes, limits: Limits, take: Take, should_stop: ShouldStop) -> Message:
        answer = None
        with self._lock:
            result = self._submit(request)
            try:
                answer = _follow(result, limits, take, should_stop)
            finally:
                os.close(result)
                ended = self._end(wait=answer is None)
        if answer is None:
            raise death_of(ended, limits)
        if "paused" in answer:
            raise ReadingPaused
        if "error" in answer:
            raise error_of(answer)
        return dict(answer["result"])

    def _submit(self, request: bytes) -> int:
        """Send the request; returns the read end of the pipe for its result."""
        for fresh in (False, True):
            if fresh:
                self.close()
            self.start()
            result, write_end = os.pipe()
            try:
                assert self._control is not None  # noqa: S101 - start() made it
                if self._owed:
                    self._ended()
                socket.send_fds(self._control, [request], [write_end])
                self._reply(timeout=6 * _GRACE)
            except (ServerGoneError, OSError):
                os.close(result)
            else:
                return result
            finally:
                os.close(write_end)
        raise ReaderLost

    def _end(self, *, wait: bool) -> dict[str, int]:
        """Have the child killed if it still runs. Returns how it ended, {} if unknown.

        Does not wait for a child that has sent its result: the next request does.
        """
        try:
            assert self._control is not None  # noqa: S101 - a request was submitted
            self._control.sendall(b"end\n")
            self._owed = True
            return self._ended() if wait else {}
        except (ServerGoneError, OSError):
            self.close()
            return {}

    def _ended(self) -> dict[str, int]:
        ended = self._reply(timeout=_GRACE)
        self._owed = False
        return ended

    def _reply(self, *, timeout: float) -> dict[str, int]:
        assert self._control is not None  # noqa: S101 - only asked while a server is there
        self._control.settimeout(timeout)
        line = b""
        while not line.endswith(b"\n"):
            data = self._control.recv(4096)
            if not data:
                raise ServerGoneError
            line += data
        reply: dict[str, int] = json.loads(line)
        return reply


def _request(verb: str, path: Path, limits: Limits, **more: Any) -> bytes:
    request = {"verb": verb, "path": str(path.resolve()), "limits": asdict(limits), **more}
    return json.dumps(request).encode() + b"\n"


def _follow(result: int, limits: Limits, take: Take, should_stop: ShouldStop) -> Message | None:
    """The child's last message; None if it ended without a result."""
    for line in _lines(result, limits, should_stop):
        message: Message = json.loads(line)
        if {"result", "error", "paused"} & message.keys():
            return message
        take(message)
    return None


def _lines(result: int, limits: Limits, should_stop: ShouldStop) -> Iterator[bytes]:
    deadline = time.monotonic() + limits.seconds
    polled, held, parts = 0.0, 0, list[bytes]()
    while True:
        now = time.monotonic()
        if now >= deadline:
            raise ReaderTimeout(seconds=limits.seconds)
        if now - polled >= _POLL:
            polled = now
            if should_stop():
                raise ReadingStopped
        if not select.select([result], [], [], _POLL)[0]:
            continue
        data = os.read(result, 1 << 16)
        if not data:
            return
        held = len(data) if b"\n" in data else held + len(data)
        if held > _LONGEST_LINE:
            raise ReaderCrashed
        *whole, rest = data.split(b"\n")
        for line in whole:
            yield b"".join([*parts, line])
            parts.clear()
        parts.append(rest)


_sandbox: tuple[int, Sandbox] | None = None


def sandbox() -> Sandbox:
    """This process' sandbox. A fork gets its own."""
    global _sandbox  # noqa: PLW0603 - one per process is the point
    if _sandbox is None or _sandbox[0] != os.getpid():
        _sandbox = (os.getpid(), Sandbox())
        atexit.register(_sandbox[1].close)
    return _sandbox[1]
