"""An address without its last slash, and whose name is asked for."""

from django.http import HttpRequest, HttpResponsePermanentRedirect
from django.middleware import common

from notebook import health


class _Redirect(HttpResponsePermanentRedirect):
    status_code = 308  # of a 301 programs make a GET, and take its answer for that of their POST


class CommonMiddleware(common.CommonMiddleware):
    """Django's; it leads on with the method and the body that were sent."""

    response_redirect_class = _Redirect

    def process_request(self, request: HttpRequest) -> HttpResponsePermanentRedirect | None:
        """Health may be asked for by any name: a container's check or a balancer knows none."""
        if request.path in health.PATHS:
            return None
        return super().process_request(request)
