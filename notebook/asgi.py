"""HTTP goes to Django, sockets to the consumers behind session or token."""

import os
import threading

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "notebook.settings")
django_application = get_asgi_application()  # loads the apps, so before anything of ours

from django.conf import settings  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402

from documents.embeddings import warm_up  # noqa: E402
from tasks.authentication import SocketAuthMiddleware  # noqa: E402
from tasks.routing import websocket_urlpatterns  # noqa: E402

if settings.SECRET_KEY == settings.INSECURE_SECRET_KEY:
    raise ImproperlyConfigured("Set SECRET_KEY: sessions signed with the known one can be forged.")

# Beside the first requests, so that nobody's first search waits for it.
threading.Thread(target=warm_up, daemon=True).start()

application = ProtocolTypeRouter(
    {
        "http": django_application,
        "websocket": SocketAuthMiddleware(URLRouter(websocket_urlpatterns)),
    }
)
