"""What a person chose for themselves."""

from django.conf import settings
from django.db import models


class Profile(models.Model):
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+"
    )
    language = models.CharField(max_length=10)  # a code of LANGUAGES

    def __str__(self) -> str:
        return f"profile of {self.user_id}"
