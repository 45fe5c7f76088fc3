"""Wiring: settings, URLs, servers. Imports the Celery app, so that every process shares it."""

from notebook.celery import app as celery_app

__all__ = ["celery_app"]
