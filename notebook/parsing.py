"""Parsers of request bodies."""

from typing import IO, Any

from rest_framework import parsers
from rest_framework.exceptions import ParseError


class JSONParser(parsers.JSONParser):
    """DRF's, but JSON that is nested too deeply is a ParseError."""

    def parse(self, stream: IO[Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(stream, *args, **kwargs)
        except RecursionError as error:
            raise ParseError from error
