"""The warm process behind a sandbox: imports the readers once, then forks for every document.

It speaks lines of JSON on the socket whose number is its first argument; the second names the
module that reads. A request is answered with the child's process id; the other side then says when
it has heard enough, and is told how the child ended. The server ends, with all of its children,
when the other side of that socket is gone.
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
from documents.extraction import confine, memory
from documents.extraction.reading import Reading
from documents.extraction.results import told_passages, told_reading
from documents.limits import Limits

_STDERR = ".stderr"  # in the child's own folder
_REFUSED = re.compile(rb"memory allocation of \d+ bytes failed|std::bad_alloc|out of memory")

Send = Callable[[dict[str, Any]], None]


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    confine.leave_network()
    confine.adopt_orphans()
    readers = importlib.import_module(sys.argv[2])  # once, for every fork
    memory.settle()
    while request := _receive(control):
        _serve(control, readers, *request)


def _receive(control: socket.socket) -> tuple[dict[str, Any], int] | None:
    line, fds = b"", list[int]()
    while not line.endswith(b"\n"):
        data, received, _, _ = socket.recv_fds(control, 65536, 1)
        if not data:
            return None
        line, fds = line + data, fds + list(received)
    return json.loads(line), fds[0]


def _serve(control: socket.socket, readers: Any, request: dict[str, Any], result: int) -> None:
    folder = tempfile.mkdtemp(prefix="reader-")
    pid = os.fork()
    if pid == 0:
        control.close()
        _run(readers, request, result, folder)
    os.close(result)
    try:
        _send(control, {"pid": pid})
        ended = _wait(pid, control)
        ended["refused"] = _was_refused(Path(folder, _STDERR))
    finally:
        _kill_all(pid)
        shutil.rmtree(folder, ignore_errors=True)
    _send(control, ended)


def _send(control: socket.socket, message: dict[str, Any]) -> None:
    try:
        control.sendall(json.dumps(message).encode() + b"\n")
    except BrokenPipeError:
        sys.exit()


def _wait(pid: int, control: socket.socket) -> dict[str, int]:
    """Wait until the other side has heard enough, and say how the child ended."""
    pidfd = os.pidfd_open(pid)
    ready, _, _ = select.select([pidfd, control.fileno()], [], [])
    os.close(pidfd)
    if pidfd in ready:
        ended = _reap(pid)
        _kill_all(pid)  # what it leaves behind may hold its result open
    if not control.recv(64):
        sys.exit()
    if pidfd not in ready:
        os.kill(pid, signal.SIGKILL)
        ended = _reap(pid)
    return ended


def _was_refused(stderr: Path) -> bool:
    """Whether a child's last words, those of its libraries, are that it was given no memory."""
    with contextlib.suppress(OSError), stderr.open("rb") as file:
        file.seek(max(0, stderr.stat().st_size - 4096))
        return bool(_REFUSED.search(file.read()))
    return False


def _reap(pid: int) -> dict[str, int]:
    _, status, usage = os.wait4(pid, 0)
    return {"exit": os.waitstatus_to_exitcode(status), "peak": usage.ru_maxrss * 1024}


def _kill_all(group: int) -> None:
    """Kill the child's group, then whatever escaped from it and was left to us."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    while orphans := confine.children():
        for orphan in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.wait()


def _run(readers: Any, request: dict[str, Any], result: int, folder: str) -> NoReturn:
    """The forked child's whole life."""
    code = 1
    try:
        confine.die_with_parent()
        os.setpgid(0, 0)
        os.chdir(folder)
        os.dup2(os.open(_STDERR, os.O_WRONLY | os.O_CREAT), 2)
        tempfile.tempdir = folder
        limits = Limits(**request.pop("limits"))
        confine.limit_resources(limits)
        with os.fdopen(result, "wb") as out:
            code = _answer(readers, request, limits, out)
    finally:
        os._exit(code)


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
    except BaseException:  # noqa: BLE001 - RecursionError, SystemExit and all that a library throws
        send(_unexpected(Path(request["path"])))
    return 0


def _unexpected(path: Path) -> dict[str, Any]:
    """What is being handled is a reader's fault, unless the document was deleted meanwhile."""
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
