"""The product's own extract and split steps, with the interface of bench/peers/extract.py.

`{"paths": […]}` is answered with `{"characters", "chunks"}` for each file, or the code of its
error; with `"growth": true` also with `"grown_bytes"`: by how much this process, the worker, grew
above its memory before the file. Readers run in the sandbox's process, as in a worker.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

from bench.peers.serving import serve


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "notebook.settings")
    django.setup()
    serve(_prepare)


def _prepare() -> Callable[[Any], Any]:
    from documents.extraction.sandbox.client import sandbox

    sandbox().start()
    return lambda request: [_read(Path(path), **request) for path in request["paths"]]


def _read(path: Path, *, growth: bool = False, **_: Any) -> dict[str, Any] | str:
    from documents.exceptions import DocumentError

    before = _forget_peak() if growth else 0
    try:
        found: dict[str, Any] = _extract_and_split(path)
    except DocumentError as error:
        return str(error.code)
    return found | {"grown_bytes": _status("VmHWM") - before} if growth else found


def _extract_and_split(path: Path) -> dict[str, Any]:
    from django.conf import settings

    from documents.extraction.types import detect
    from documents.pipeline import fields_of, limits, passages_of
    from documents.steps.extract import extract_text

    extracted = extract_text(
        path,
        content_type=detect(path, path.name),
        name=path.name,
        limits=limits(),
        report=lambda done, total: None,
        should_stop=lambda: False,
    )
    elements = json.dumps(list(map(fields_of, extracted.elements)))  # as step 2 stores them
    used = {"chunk_size": settings.CHUNK_SIZE, "chunk_overlap": settings.CHUNK_OVERLAP}
    passages = passages_of(extracted.text, elements, used, should_stop=lambda: False)
    return {"characters": len(extracted.text), "chunks": len(passages)}


def _forget_peak() -> int:
    """Reset the kernel's record of our peak memory; returns the present memory."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(name: str) -> int:
    """A line of /proc/self/status, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


if __name__ == "__main__":
    main()
