"""Confines a reader process: limited memory and time, no network, and it never outlives us."""

import ctypes
import errno
import math
import os
import platform
import resource
import signal
import struct
import sys
from pathlib import Path

from documents.limits import Limits

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
# From linux/audit.h and the kernel's system call tables: architecture, number of `socket`.
_MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
_IO_URING_SETUP = 425  # on both; io_uring can open sockets without calling `socket`
_X32 = 0x40000000  # bit of x86-64's second system call table
_OPEN_FILES = 256
_WRITTEN_BYTES = 64_000_000
_NETWORK_EVENTS = ("socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto")


def leave_network() -> None:
    """Cut this process and its children off from every network, for good.

    Three layers, as not every machine allows each: a network namespace without interfaces, a
    seccomp filter that refuses new sockets, and an audit hook that refuses Python's sockets and
    always works.
    """
    if sys.platform == "linux":
        _enter_empty_network()
        _forbid_sockets()
    sys.addaudithook(_refuse_network)


def _enter_empty_network() -> None:
    libc = ctypes.CDLL(None)
    if libc.unshare(_CLONE_NEWNET) != 0:  # without a user namespace only root may
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _forbid_sockets() -> bool:
    """Have the kernel refuse `socket` to this process and its children; needs no privilege."""
    if (machine := platform.machine()) not in _MACHINES:
        return False
    program = ctypes.create_string_buffer(_no_sockets(*_MACHINES[machine]))
    count = len(program.raw) // _INSTRUCTION.size
    address = struct.pack("HxxxxxxQ", count, ctypes.addressof(program))  # struct sock_fprog
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    return _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, address) == 0


_INSTRUCTION = struct.Struct("HBBI")  # struct sock_filter: code, jump if true, if false, value
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EACCES


def _no_sockets(architecture: int, socket: int) -> bytes:
    """A seccomp(2) filter program; it also refuses other architectures' system calls."""
    steps = [
        (_LOAD, 0, 0, 4),  # seccomp_data.arch
        (_EQUAL, 0, 5, architecture),
        (_LOAD, 0, 0, 0),  # seccomp_data.nr
        (_AT_LEAST, 3, 0, _X32),
        (_EQUAL, 2, 0, socket),
        (_EQUAL, 1, 0, _IO_URING_SETUP),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(_INSTRUCTION.pack(*step) for step in steps)


def _refuse_network(event: str, args: tuple[object, ...]) -> None:
    if event in _NETWORK_EVENTS:
        raise PermissionError("readers have no network")


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent died, so that they can be killed."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the thread that forked it ends."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _prctl(option: int, value: int, more: bytes | int = 0) -> int:
    if sys.platform != "linux":
        return -1
    result: int = ctypes.CDLL(None).prctl(option, value, more, 0, 0)
    return result


def limit_resources(limits: Limits) -> None:
    """Set the limits for this process; they can't be raised again."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, _WRITTEN_BYTES)
    _limit(resource.RLIMIT_CPU, math.ceil(limits.seconds) + 1)
    _limit(resource.RLIMIT_AS, _address_space() + limits.memory_bytes)


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def _address_space() -> int:
    """Bytes of address space this process already has."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:  # not Linux
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def children() -> list[int]:
    """Process ids of this (single-threaded) process's children."""
    try:
        return [
            int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        ]
    except OSError:
        return []
