"""``python -m notebook.stack.embedder``: serve until SIGTERM or SIGINT, then exit 0."""

import argparse
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from notebook.stack.embedder.embedder import Embedder
from notebook.stack.embedder.server import Server

_STOP_SECONDS = 3.0
# Huge pages make the matrices some 4 % faster. The rest is memory: glibc would keep up to 64 MB of
# freed memory for every thread.
_GLIBC_TUNABLES = ":".join(
    f"glibc.malloc.{setting}"
    for setting in (
        "hugetlb=1",
        "arena_max=2",
        f"mmap_threshold={8 * 1024 * 1024}",
        f"trim_threshold={16 * 1024 * 1024}",
    )
)

logger = logging.getLogger("notebook.stack.embedder")


def main() -> None:
    arguments = _parse_arguments()
    _tune_allocator()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
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


def _tune_allocator() -> None:
    """Re-executes the process with settings that glibc reads only at the start.

    Settings of the operator take precedence.
    """
    if "GLIBC_TUNABLES" not in os.environ:
        os.environ["GLIBC_TUNABLES"] = _GLIBC_TUNABLES
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 -- our own command line


def _exit(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
