"""One background event loop per process, so that its connections can be reused.

`async_to_sync` makes a loop for each call, and with it a new connection to the channel layer.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")
_loops: dict[int, asyncio.AbstractEventLoop] = {}  # by process id: a fork does not have the thread
_lock = threading.Lock()


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in the background loop; returns or raises what it does."""
    return asyncio.run_coroutine_threadsafe(work, _loop()).result()


def _loop() -> asyncio.AbstractEventLoop:
    with _lock:
        if os.getpid() not in _loops:
            _loops.clear()
            _loops[os.getpid()] = _started()
        return _loops[os.getpid()]


def _started() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="background", daemon=True).start()
    return loop
