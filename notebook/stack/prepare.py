"""Bring the database up to date and make the first user, in one process.

Importing the project takes seconds, so it is done once for both. What migrations say belongs into
the log (standard error), the first user's password to the person at the terminal.
"""

import sys

import django
from django.core.management import call_command


def main() -> None:
    django.setup()
    call_command("migrate", interactive=False, stdout=sys.stderr)
    call_command("ensure_admin")


if __name__ == "__main__":
    main()
