"""The product's readers, and one that a test can make misbehave. Run only in a sandbox."""

import ctypes
import re

from documents.extraction import readers

check = readers.check
_SILENCE = re.compile(rb"HOLD THE GIL FOR (\d+) SECONDS")


def read(reading):
    """As the product reads; silently and with the GIL held first where the file asks for it."""
    if asked := _SILENCE.search(reading.path.read_bytes()):
        ctypes.PyDLL(None).sleep(int(asked[1]))  # a PyDLL keeps the GIL while it runs
    return readers.read(reading)
