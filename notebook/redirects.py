"""An address without its last slash."""

from django.http import HttpResponsePermanentRedirect
from django.middleware import common


class _Redirect(HttpResponsePermanentRedirect):
    status_code = 308  # of a 301 programs make a GET, and take its answer for that of their POST


class CommonMiddleware(common.CommonMiddleware):
    """Django's; it leads on with the method and the body that were sent."""

    response_redirect_class = _Redirect
