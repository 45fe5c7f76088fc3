"""Django's CommonMiddleware, with 308 for a missing slash and any Host for health checks."""

from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.middleware import common

from notebook import health


class _Redirect(HttpResponsePermanentRedirect):
    status_code = 308  # after a 301, clients turn a POST into a GET


class CommonMiddleware(common.CommonMiddleware):
    """Redirects keep the method and the body."""

    response_redirect_class = _Redirect

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Health checks may use any Host: containers and load balancers don't know ours."""
        if request.path in health.PATHS:
            return None
        return super().process_request(request)
