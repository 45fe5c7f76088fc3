"""Wiring: settings, URLs, the servers' entry points. Imports the Celery app so that workers share it."""

from notebook.celery import app as celery_app

__all__ = ["celery_app"]
