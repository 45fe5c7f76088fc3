"""The built-in page."""

from typing import Any

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.views.generic import TemplateView

from documents.asking import chat


class NotebookView(LoginRequiredMixin, TemplateView):
    template_name = "notebook.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            max_upload_mb=settings.MAX_UPLOAD_MB, can_ask=chat.is_configured(), **kwargs
        )
