"""What the person at the terminal reads: few, whole lines."""

import sys
from contextlib import suppress


def say(text: str) -> None:
    """Print one line at once, also into a pipe. Output that has no room is lost, nothing else."""
    with suppress(OSError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
