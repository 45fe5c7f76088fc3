"""Changing a password revokes the user's API tokens, as it ends their sessions."""

from typing import Any

from django.contrib.auth.models import User
from django.db.models.signals import pre_save
from django.dispatch import receiver
from knox.models import AuthToken


@receiver(pre_save, sender=User)
def revoke_tokens(instance: Any, **_: Any) -> None:
    """Ignores a hash that is only upgraded, as Django does when somebody signs in."""
    if instance._password is None and instance.has_usable_password():
        return
    stored = User.objects.filter(pk=instance.pk).values_list("password", flat=True).first()
    if stored not in (None, instance.password):
        AuthToken.objects.filter(user=instance).delete()
