"""The language of a response: the one the person chose, else the browser's.

The choice is stored in the profile and, while somebody is signed in, in the session, where sockets
find it too. Programs, which use a token, send `Accept-Language`.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.locale import LocaleMiddleware
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import View

from notebook.models import Profile
from tasks.watching import SESSION_LANGUAGE


class LanguageMiddleware(LocaleMiddleware):
    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)  # first, as reading the session may fail
        chosen = request.session.get(SESSION_LANGUAGE)
        if chosen in dict(settings.LANGUAGES):
            translation.activate(chosen)
            request.LANGUAGE_CODE = translation.get_language()


class LanguageView(View):
    """`POST /language/` with `language`, a code of LANGUAGES, and `next`, a path to redirect to."""

    def post(self, request: HttpRequest) -> HttpResponse:
        language = request.POST.get("language")
        if language in dict(settings.LANGUAGES):
            request.session[SESSION_LANGUAGE] = language
            _keep(request.user, language)
        return HttpResponseRedirect(_next(request))


def _next(request: HttpRequest) -> str:
    target = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if ours else "/"


def _keep(user: Any, language: str) -> None:
    if user.is_authenticated:
        Profile.objects.update_or_create(user=user, defaults={"language": language})


@receiver(user_logged_in)
def carry_over(request: HttpRequest, user: AbstractBaseUser, **_: Any) -> None:
    """A language chosen before signing in is newer than the profile's."""
    if chosen := request.session.get(SESSION_LANGUAGE):
        _keep(user, chosen)
    elif profile := Profile.objects.filter(user_id=user.pk).first():
        request.session[SESSION_LANGUAGE] = profile.language
