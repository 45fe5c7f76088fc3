"""Django's CommonMiddleware, with 308 for a missing slash and any Host for what is asked from
beside the proxy."""

from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.middleware import common

from notebook import health, metrics


class _Redirect(HttpResponsePermanentRedirect):
    status_code = 308  # after a 301, clients turn a POST into a GET


class CommonMiddleware(common.CommonMiddleware):
    """Redirects keep the method and the body."""

    response_redirect_class = _Redirect

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Health checks and Prometheus may use any Host: what runs beside us doesn't know ours."""
        if request.path in (*health.PATHS, metrics.PATH):
            return None
        return super().process_request(request)
