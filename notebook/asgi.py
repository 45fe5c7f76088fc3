"""HTTP goes to Django, sockets to the consumers behind session or token."""

import os
import threading
from typing import Any

import django
from asgiref.sync import sync_to_async
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.handlers.asgi import ASGIHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "notebook.settings")
django.setup(set_prefix=False)  # loads the apps, so before anything of ours

from django.conf import settings  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402

from documents.embeddings.client import warm_up  # noqa: E402
from tasks.authentication import SocketAuthMiddleware  # noqa: E402
from tasks.routing import websocket_urlpatterns  # noqa: E402


class OneThreadHandler(ASGIHandler):
    """Runs all middleware and the view in one thread, instead of switching for each middleware."""

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)
        chain: Any = self._middleware_chain  # type: ignore[has-type] # Django has none
        self._middleware_chain = sync_to_async(chain, thread_sensitive=True)


if settings.SECRET_KEY == settings.INSECURE_SECRET_KEY:
    raise ImproperlyConfigured("Set SECRET_KEY: sessions signed with the known one can be forged.")

# In the background, so that nobody's first search waits for it.
threading.Thread(target=warm_up, daemon=True).start()

application = ProtocolTypeRouter(
    {
        "http": OneThreadHandler(),
        "websocket": SocketAuthMiddleware(URLRouter(websocket_urlpatterns)),
    }
)
