"""What the benches compare with: programs that run in a Python of their own, `make peers`."""
