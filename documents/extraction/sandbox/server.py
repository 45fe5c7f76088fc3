"""The warm process behind a sandbox: imports the readers once, then forks for every document.

It speaks lines of JSON on the socket whose file descriptor is its first argument; the second names
the module that reads. A request is answered with the child's process id. When the other side sends
"end", the server kills the child with all of its descendants and reports how it ended. The server
and its children end when the other side closes the socket.
"""

import contextlib
import importlib
import json
import os
import re
import select
import shutil
import signal
import socket
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from documents.exceptions import DocumentError, ReadingPaused
from documents.extraction.reading import Reading
from documents.extraction.sandbox import confine, memory
from documents.extraction.sandbox.results import told_passages, told_reading
from documents.limits import Limits

_END = b"end\n"  # sent by the other side when it needs nothing more
_STDERR = ".stderr"  # in the child's own folder
_REFUSED = re.compile(rb"memory allocation of \d+ bytes failed|std::bad_alloc|out of memory")

Send = Callable[[dict[str, Any]], None]


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    confine.leave_network()
    confine.adopt_orphans()
    readers = importlib.import_module(sys.argv[2])  # once, for all forks
    memory.settle()
    with contextlib.suppress(ConnectionError):  # the other side closed the socket
        _serve_all(control, readers)


def _serve_all(control: socket.socket, readers: Any) -> None:
    child = _Child(control, readers)
    while received := _receive(control):
        if child.is_gone():
            child = _Child(control, readers)
        _serve(control, child, *received)
        child = _Child(control, readers)


class _Child:
    """A fork made in advance, so that no request has to wait for one."""

    def __init__(self, control: socket.socket, readers: Any) -> None:
        self._lead, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            control.close()
            self._lead.close()
            _run(readers, theirs)
        theirs.close()

    def is_gone(self) -> bool:
        """Whether it ended before it got a request, for instance when memory ran out."""
        return os.waitpid(self.pid, os.WNOHANG)[0] != 0

    def begin(self, folder: str, request: bytes, result: int) -> None:
        with self._lead:
            socket.send_fds(self._lead, [folder.encode(), b"\0", request], [result])


def _receive(source: socket.socket) -> tuple[bytes, int] | None:
    """A line and the file descriptor sent with it; None if the socket was closed."""
    line, fds = b"", list[int]()
    while not line.endswith(b"\n"):
        data, received, _, _ = socket.recv_fds(source, 65536, 1)
        if not data:
            return None
        line, fds = line + data, fds + list(received)
    return line, fds[0]


def _serve(control: socket.socket, child: _Child, request: bytes, result: int) -> None:
    folder = tempfile.mkdtemp(prefix="reader-")
    try:
        child.begin(folder, request, result)
        os.close(result)
        _send(control, {"pid": child.pid})
        ended = _wait(child.pid, control)
        ended["refused"] = _was_refused(Path(folder, _STDERR))
    finally:
        _kill_all(child.pid)
        shutil.rmtree(folder, ignore_errors=True)
    _send(control, ended)


def _send(control: socket.socket, message: dict[str, Any]) -> None:
    control.sendall(json.dumps(message).encode() + b"\n")


def _wait(pid: int, control: socket.socket) -> dict[str, int]:
    """Wait for "end"; how the child ended, or was killed."""
    pidfd = os.pidfd_open(pid)
    ready, _, _ = select.select([pidfd, control.fileno()], [], [])
    os.close(pidfd)
    if pidfd in ready:
        ended = _reap(pid)
        _kill_all(pid)  # its descendants may hold the result pipe open
    if not control.recv(len(_END)):  # exactly: the next request may follow
        sys.exit()
    if pidfd not in ready:
        os.kill(pid, signal.SIGKILL)
        ended = _reap(pid)
    return ended


def _was_refused(stderr: Path) -> bool:
    """Whether the end of the child's standard error says that a library got no memory."""
    with contextlib.suppress(OSError), stderr.open("rb") as file:
        file.seek(max(0, stderr.stat().st_size - 4096))
        return bool(_REFUSED.search(file.read()))
    return False


def _reap(pid: int) -> dict[str, int]:
    _, status, usage = os.wait4(pid, 0)
    return {"exit": os.waitstatus_to_exitcode(status), "peak": usage.ru_maxrss * 1024}


def _kill_all(group: int) -> None:
    """Kill the child's process group, then what escaped from it and was reparented to us."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    while orphans := confine.children():
        for orphan in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.wait()


def _run(readers: Any, lead: socket.socket) -> NoReturn:
    """The main function of a forked child."""
    code = 1
    try:
        confine.die_with_parent()
        os.setpgid(0, 0)
        with lead:
            received = _receive(lead)
        if received:
            code = _begin(readers, *received)
    finally:
        os._exit(code)


def _begin(readers: Any, line: bytes, result: int) -> int:
    folder, _, asked = line.partition(b"\0")
    request = json.loads(asked)
    os.chdir(folder)
    os.dup2(os.open(_STDERR, os.O_WRONLY | os.O_CREAT), 2)
    tempfile.tempdir = os.fsdecode(folder)
    limits = Limits(**request.pop("limits"))
    confine.limit_resources(limits)
    with os.fdopen(result, "wb") as out:
        return _answer(readers, request, limits, out)


def _answer(readers: Any, request: dict[str, Any], limits: Limits, out: Any) -> int:
    def send(message: dict[str, Any]) -> None:
        out.write(json.dumps(message, ensure_ascii=False).encode() + b"\n")
        out.flush()

    try:
        for message in _do(readers, request, limits, send):
            send(message)
    except BrokenPipeError:
        return 1
    except ReadingPaused:
        send({"paused": True})
    except DocumentError as error:
        send({"error": type(error).__name__, "message": error.message})
    except MemoryError:
        send({"error": "ReaderOutOfMemory", "message": ""})
    except BaseException:  # noqa: BLE001 - RecursionError, SystemExit and whatever a library raises
        send(_unexpected(Path(request["path"])))
    return 0


def _unexpected(path: Path) -> dict[str, Any]:
    """The present exception as a reader's crash, unless the document was deleted meanwhile."""
    if not path.exists():
        return {"error": "FileMissing", "message": ""}
    return {"error": "ReaderCrashed", "message": "", "traceback": traceback.format_exc()[-8000:]}


def _do(
    readers: Any, request: dict[str, Any], limits: Limits, send: Send
) -> Iterable[dict[str, Any]]:
    path = Path(request["path"])
    if request["verb"] == "split":
        return told_passages(readers.split(path, request["options"]))
    reading = Reading(
        path=path,
        name=request["name"],
        content_type=request["content_type"],
        limits=limits,
        report=lambda done, total: send({"done": done, "total": total}),
        known={int(page): read for page, read in request.get("known", {}).items()},
        keep=lambda page, read: send({"page": page, "read": read}),
    )
    if request["verb"] == "check":
        readers.check(reading)
        return [{"result": {}}]
    return told_reading(readers.read(reading))


if __name__ == "__main__":
    main()
