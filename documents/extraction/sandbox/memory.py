"""Prepares the memory of a process that will be forked again and again."""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_HOLES = (1 << 16, 1 << 14, 1 << 12, 1 << 10, 256, 128, 64, 40, 24)  # bytes, the smallest last
_YOUNG = 20_000  # allocations between garbage collections: readers make few cycles
_HUGE = 2 << 20  # bytes of a huge page
_MADV_COLLAPSE = 25  # Linux 6.1; works whatever /sys/kernel/mm/transparent_hugepage says


def settle() -> None:
    """Call it after all imports: exempts existing objects from gc and moves them to huge pages.

    A fork copies its parent's page table, one entry per page; with 130 MB in pages of 4 KB that
    took longer than reading a short document.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        _fill_holes(libc)
        for at in _huge_pages():
            libc.madvise(ctypes.c_void_p(at), ctypes.c_size_t(_HUGE), _MADV_COLLAPSE)


def _fill_holes(libc: ctypes.CDLL) -> None:
    """Allocate, for good, the free blocks that imports left behind in the heap (some 5 MB).

    A fork would use them first, and copy the page around each one and those of its neighbours in
    the allocator's free lists: a sixth of the page faults of reading a PDF.
    """
    libc.malloc.restype = libc.sbrk.restype = ctypes.c_void_p
    end = libc.sbrk(0) or 0
    for size in map(ctypes.c_size_t, _HOLES):
        while (libc.malloc(size) or end) < end:
            pass


def _huge_pages() -> Iterator[int]:
    """The addresses where huge pages fit into this process' writable memory."""
    with suppress(OSError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            span, rights, _offset, _device, file = line.split()[:5]
            if rights == "rw-p" and file == "0" and not line.endswith("[stack]"):
                start, end = (int(address, 16) for address in span.split("-"))
                yield from range(-(-start // _HUGE) * _HUGE, end - _HUGE + 1, _HUGE)
