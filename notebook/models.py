"""Who uses Notebook: what they chose, and what their programs sign in by."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from knox.models import AuthToken


class Profile(models.Model):
    """What a person chose for themselves."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    language = models.CharField(max_length=10)  # a code of LANGUAGES

    def __str__(self) -> str:
        return f"profile of {self.user_id}"


class ApiToken(AuthToken):
    """Knox' token under a name that people know."""

    class Meta:
        proxy = True
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
