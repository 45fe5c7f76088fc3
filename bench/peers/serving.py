"""The other side of bench/program.py: ready, then one line of JSON for each line of JSON."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any


def serve(prepare: Callable[[], Callable[[Any], Any]]) -> None:
    """Answer requests with what `prepare` returns; it imports and connects, and is not measured."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints must not get between the lines
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
