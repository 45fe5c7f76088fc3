"""Uploads during faults: the stored bytes, and an answer that may be missing."""

from contextlib import suppress

import httpx2

MB = 1_000_000


def stored(stack):
    """Every file of an upload, in progress or kept."""
    return {path for path in (stack.data_dir / "files").rglob("*") if path.is_file()}


def send(stack, name, content):
    """The answer to an upload, or None if there was none."""
    with stack.client() as client, suppress(httpx2.HTTPError):
        return client.post("/api/documents/", files={"file": (name, content)}, timeout=120)
