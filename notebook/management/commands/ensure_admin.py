"""Make the first superuser, so that somebody can sign in."""

import os
import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Create user `admin` with ADMIN_PASSWORD or a random password, if there is no superuser."

    def handle(self, *_args: Any, **_options: Any) -> None:
        users = get_user_model().objects
        if users.filter(is_superuser=True).exists():
            return
        given = os.environ.get("ADMIN_PASSWORD")
        password = given or secrets.token_urlsafe(12)
        users.create_superuser("admin", password=password)
        shown = "the password from ADMIN_PASSWORD" if given else f"password {password}"
        self.stdout.write(f"Sign in as admin with {shown}")
