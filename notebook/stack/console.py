"""Messages to the user's terminal: few, whole lines."""

import sys
from contextlib import suppress


def say(text: str) -> None:
    """Print one line, unbuffered even into a pipe. Output errors, such as a full disk, are
    ignored."""
    with suppress(OSError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
