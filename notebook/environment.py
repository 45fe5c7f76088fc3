"""Reads settings from the environment; errors name the variable."""

import math
from collections.abc import Collection
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

_KINDS: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false"}
_FALSE = ("false", "off", "n", "no", "0", "")


class Env(environ.Env):
    def get_value(self, var: str, cast: Any = None, *args: Any, **named: Any) -> Any:
        """Raises ImproperlyConfigured if the value is not of that type."""
        given = self.ENVIRON.get(var, "")
        try:
            if given.startswith("$"):  # environ would read it as another variable's name
                return self.parse_value(given, cast)
            return super().get_value(var, cast, *args, **named)
        except ValueError as error:
            raise ImproperlyConfigured(f"{var} must be {_KINDS[cast]}.") from error

    @classmethod
    def parse_value(cls, value: Any, cast: Any) -> Any:
        """Raises ValueError for what environ would read as False, and for inf and nan."""
        parsed = float(value) if cast is float else super().parse_value(value, cast)
        if parsed is False and value.strip().lower() not in _FALSE:
            raise ValueError(value)
        if cast is float and not math.isfinite(parsed):
            raise ValueError(value)
        return parsed

    def postgres(self, var: str, default: str) -> dict[str, Any]:
        """An entry of Django's DATABASES. Raises ImproperlyConfigured if it names no database."""
        url = self.str(var, "") or default
        engine = self.DB_SCHEMES.get(url.partition("://")[0], "")
        with suppress(ValueError):  # the port is not a number
            found: dict[str, Any] = self.db_url_config(url) if "postgresql" in engine else {}
            if found.get("NAME"):
                return found
        raise ImproperlyConfigured(f"{var} must be like postgres://user:password@host/name.")

    def within(self, var: str, default: int, *, least: int, most: int) -> int:
        value: int = self.int(var, default)
        if not least <= value <= most:
            raise ImproperlyConfigured(f"{var} must be from {least} to {most}.")
        return value

    def price(self, var: str, default: str) -> Decimal:
        try:
            value = Decimal(self.str(var, default))
        except InvalidOperation:
            value = Decimal("NaN")
        if not (value.is_finite() and value >= 0):
            raise ImproperlyConfigured(f"{var} must be a number, and not under 0.")
        return value

    def one_of(self, var: str, default: str, choices: Collection[str]) -> str:
        """Lower case, whatever case it was given in."""
        value: str = self.str(var, default).lower()
        if value not in choices:
            raise ImproperlyConfigured(f"{var} must be one of: {', '.join(choices)}.")
        return value
