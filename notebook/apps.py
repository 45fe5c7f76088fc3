from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotebookConfig(AppConfig):
    name = "notebook"
    verbose_name = _("Sign-in")

    def ready(self) -> None:
        import_module("notebook.languages")  # whoever signs in is spoken to as they chose
        import_module("notebook.passwords")  # another one revokes tokens
        import_module("notebook.celery")  # every process sends and finds tasks through this app
