"""The programs that the benches compare with; they run in their own venv, see `make peers`."""
