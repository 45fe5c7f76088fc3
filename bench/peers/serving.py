"""The counterpart of bench/program.py: reports ready, then answers each line of JSON with one."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any


def serve(prepare: Callable[[], Callable[[Any], Any]]) -> None:
    """Answer requests with what `prepare` returns; `prepare` imports and connects, unmeasured."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not mix with the answers
    try:
        answer = prepare()
    except ImportError as error:
        _say(out, {"missing": error.name or str(error)})
        return
    _say(out, {"ready": True})
    for line in sys.stdin:
        _say(out, answer(json.loads(line)))


def _say(out: Any, message: object) -> None:
    out.write(json.dumps(message) + "\n")
    out.flush()
