"""``python -m notebook.stack.embedder``: serve until SIGTERM or SIGINT, then exit 0."""

import argparse
import ctypes
import logging
import signal
from pathlib import Path
from types import FrameType

from notebook.stack.embedder.embedder import Embedder
from notebook.stack.embedder.server import Server

_STOP_SECONDS = 3.0
# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8

logger = logging.getLogger("notebook.stack.embedder")


def main() -> None:
    arguments = _parse_arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    _bound_heaps()
    signal.signal(signal.SIGTERM, _exit)
    signal.signal(signal.SIGINT, _exit)
    server = Server(arguments.host, arguments.port)
    server.listen(Embedder(arguments.cache_dir, arguments.threads))
    logger.info("Serving on %s:%d", arguments.host, arguments.port)
    try:
        server.serve_forever()
    finally:
        server.stop(_STOP_SECONDS)
        logger.info("Stopped")


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m notebook.stack.embedder", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cache-dir", type=Path, required=True, help="where the graph is kept")
    parser.add_argument("--threads", type=int, help="default: one a core")
    return parser.parse_args()


def _bound_heaps() -> None:
    """Have glibc give freed memory back: by itself it would keep up to 64 MB for every thread."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 2)
        mallopt(_M_MMAP_THRESHOLD, 8 * 1024 * 1024)
        mallopt(_M_TRIM_THRESHOLD, 4 * 1024 * 1024)


def _exit(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
