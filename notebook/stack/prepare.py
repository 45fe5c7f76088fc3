"""Bring the database up to date and make the first user, in one process.

Importing the project takes seconds, so both are done in one process. Migrations write to the log
(standard error), the first user's password goes to the terminal. Settings that contradict each
other or the database are refused here, before anything uses them.
"""

import os
import sys

import django
from django.core import checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from psycopg.errors import DeadlockDetected, LockNotAvailable

from notebook.health import why_broker_is_away
from notebook.stack.console import say
from notebook.terminal import mistakes_told, require_postgres

TRIES = 20
LOCK_MS = 3000  # requests that want the same table wait behind us, for eight seconds at most
HELD = "A transaction, such as a backup's, keeps a table from being changed. Waiting ..."


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "notebook.settings")
    with mistakes_told():
        django.setup()
        require_postgres()
        try:
            _migrate()
        except SystemCheckError as error:
            sys.exit(str(error))
        _warn()
        call_command("ensure_admin")


def _migrate() -> None:
    """Wait for tables that are in use, but never for long at a time: others go on meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [str(LOCK_MS)])
    for _ in range(TRIES):
        if _migrated():
            return
        say(HELD)
    sys.exit("It did not end; start this again after it.")


def _migrated() -> bool:
    try:
        call_command("migrate", interactive=False, skip_checks=False, stdout=sys.stderr)
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable | DeadlockDetected):
            raise
        return False
    return True


def _warn() -> None:
    """Warn of possible mistakes that don't prevent a start."""
    for problem in checks.run_checks(databases=["default"]):
        say(f"Warning: {problem.msg} {problem.hint or ''}".strip())
    if newer := _newer():
        say(f"Warning: A newer version has changed the database ({', '.join(newer)}).")
        say("Go on with that one, or restore a backup that was made before it.")
    if why := why_broker_is_away():
        say(f"Warning: REDIS_URL leads to no Valkey ({why}). Uploads wait until one answers there.")


def _newer() -> list[str]:
    """The migrations that were applied and that this version does not have."""
    loader = MigrationLoader(connection)
    unknown = loader.applied_migrations.keys() - loader.disk_migrations.keys()
    return sorted(f"{app}.{name}" for app, name in unknown if app in loader.migrated_apps)


if __name__ == "__main__":
    main()
