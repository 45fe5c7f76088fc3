"""What the person at the terminal reads: few, whole lines."""

import sys


def say(text: str) -> None:
    """Print one line at once, also into a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
