from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from tasks import pipelines


class DocumentsConfig(AppConfig):
    name = "documents"
    verbose_name = _("Documents")

    def ready(self) -> None:
        pipelines.register(import_module("documents.pipeline").DOCUMENT)
        import_module("documents.checks")
