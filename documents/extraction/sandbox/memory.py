"""The memory of a process that is about to be forked again and again."""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_CHUNKS = (1 << 16, 1 << 14, 1 << 12, 1 << 10, 256, 128, 64, 40, 24)  # bytes; 24 is the least
_YOUNG = 20_000  # objects between looks for cycles: readers make many objects and few of those
_HUGE = 2 << 20  # bytes of a huge page
_MADV_COLLAPSE = 25  # of Linux 6.1; whatever /sys/kernel/mm/transparent_hugepage says


def settle() -> None:
    """Call it when all is imported. What is there now stays, and forks get it in few large pages.

    A fork copies the table of its parent's pages, one entry for each; with 130 MB in pages of
    4 KB that took longer than reading a short document.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        _fill_holes(libc)
        for at in _huge_pages():
            libc.madvise(ctypes.c_void_p(at), ctypes.c_size_t(_HUGE), _MADV_COLLAPSE)


def _fill_holes(libc: ctypes.CDLL) -> None:
    """Take for good what imports left free between what they made, some 5 MB in small pieces.

    A fork would use those first and copy each page that one lies in, and its neighbours in their
    lists: half of the pages it copied for a PDF.
    """
    libc.malloc.restype = libc.sbrk.restype = ctypes.c_void_p
    end = libc.sbrk(0) or 0
    for size in map(ctypes.c_size_t, _CHUNKS):
        while (libc.malloc(size) or end) < end:
            pass


def _huge_pages() -> Iterator[int]:
    """Where huge pages fit into what this process has written to."""
    with suppress(OSError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            span, rights, _offset, _device, file = line.split()[:5]
            if rights == "rw-p" and file == "0" and not line.endswith("[stack]"):
                start, end = (int(address, 16) for address in span.split("-"))
                yield from range(-(-start // _HUGE) * _HUGE, end - _HUGE + 1, _HUGE)
