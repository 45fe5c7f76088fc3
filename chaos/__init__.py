"""Fault tests: the real stack is broken on purpose and has to recover by itself. `make chaos`."""
