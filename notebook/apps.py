from importlib import import_module

from django.apps import AppConfig


class NotebookConfig(AppConfig):
    name = "notebook"

    def ready(self) -> None:
        import_module("notebook.languages")  # whoever signs in is spoken to as they chose
        import_module("notebook.celery")  # every process sends and finds tasks through this app
