"""The Celery application. Its settings are the CELERY_ ones of notebook.settings."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "notebook.settings")

app = Celery("notebook")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
