#!/usr/bin/env python
"""Django's command line. Run it from the project root: `notebook` is also Jupyter's import name."""

import os
import sys

from django.core.management import execute_from_command_line

from notebook.terminal import mistakes_told


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "notebook.settings")
    with mistakes_told():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
