"""Fault tests: the real stack is broken on purpose and has to mend itself. `make chaos`."""
