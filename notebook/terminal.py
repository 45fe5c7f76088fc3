"""Turns wrong settings and an unreachable Postgres into sentences at the terminal."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from notebook.health import why_postgres_is_away


@contextmanager
def mistakes_told() -> Iterator[None]:
    """End the process with a sentence and exit code 1 instead of a traceback."""
    pool = logging.getLogger("psycopg.pool")
    pool.setLevel(logging.ERROR)  # it would warn six times about what we report
    try:
        yield
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except OperationalError:
        require_postgres()
        raise
    finally:
        pool.setLevel(logging.NOTSET)


def require_postgres() -> None:
    """End the process with the reason if Postgres can't be reached."""
    if why := why_postgres_is_away():
        sys.exit(f"Postgres can't be reached: {why}{_whose()}")


def _whose() -> str:
    if os.environ.get("DATABASE_URL"):
        return ""
    return f"\nDATABASE_URL is not set, and Notebook does not run on {settings.DATA_DIR}."
