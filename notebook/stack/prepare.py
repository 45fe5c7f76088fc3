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
from django.db import OperationalError, connection


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "notebook.settings")
    try:
        django.setup()
        call_command("migrate", interactive=False, skip_checks=False, stdout=sys.stderr)
    except (ImproperlyConfigured, SystemCheckError) as error:
        sys.exit(str(error))
    except OperationalError:
        _tell_why_postgres_is_away()
        raise
    call_command("ensure_admin")


def _tell_why_postgres_is_away() -> None:
    """End with the reason, which a pool keeps to itself; return if that is not what is wrong."""
    try:
        psycopg.connect(**connection.get_connection_params()).close()
    except psycopg.OperationalError as error:
        sys.exit(f"Postgres can't be reached: {error}")


if __name__ == "__main__":
    main()
