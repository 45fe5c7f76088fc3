from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from tasks import pipelines


class DocumentsConfig(AppConfig):
    name = "documents"
    verbose_name = _("Documents")

    def ready(self) -> None:
        pipelines.register(import_module("documents.pipeline").DOCUMENT)
        pipelines.register(import_module("documents.switching").EMBEDDINGS)
        import_module("documents.waits").register()
        post_migrate.connect(_make_first_space, sender=self)
        import_module("documents.checks")


def _make_first_space(apps: Any = None, **_: Any) -> None:
    """After every migration or flush, unless the migrated state has no spaces yet."""
    if apps is None or "embeddingspace" in apps.all_models["documents"]:
        import_module("documents.spaces").adopt_settings()
