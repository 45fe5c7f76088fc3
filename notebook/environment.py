"""The environment as settings read it: a wrong number is told with the name of its variable."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

_KINDS: dict[Any, str] = {int: "a whole number", float: "a number"}


class Env(environ.Env):
    def get_value(self, var: str, cast: Any = None, *args: Any, **named: Any) -> Any:
        """Raises ImproperlyConfigured where the value is no number and has to be one."""
        try:
            return super().get_value(var, cast, *args, **named)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var} must be {_KINDS[cast]}.") from error
