"""Bring the database up to date and make the first user, in one process.

Importing the project takes seconds, so it is done once for both. What migrations say belongs into
the log (standard error), the first user's password to the person at the terminal. Settings that
contradict each other or the database are refused here, before anything starts to work with them.
"""

import os
import sys

import django
import psycopg
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "notebook.settings")
    try:
        django.setup()
        _reach_postgres()
        call_command("migrate", interactive=False, skip_checks=False, stdout=sys.stderr)
    except (ImproperlyConfigured, SystemCheckError) as error:
        sys.exit(str(error))
    except psycopg.OperationalError as error:
        sys.exit(f"Postgres can't be reached: {error}")
    call_command("ensure_admin")


def _reach_postgres() -> None:
    """Raises OperationalError with the reason, which a pool keeps to itself."""
    psycopg.connect(**connection.get_connection_params()).close()


if __name__ == "__main__":
    main()
