"""docs/socket.asyncapi.yaml, as what every frame of a socket is held to."""

from functools import cache
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator, FormatChecker

FILE = Path(__file__).resolve().parent.parent.parent / "docs" / "socket.asyncapi.yaml"
TOLD = ("snapshot", "pong", "cancelled", "error")
HEARD = ("ping", "cancel")


@cache
def document():
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def payload(message):
    return document()["components"]["messages"][message]["payload"]


@cache
def _validator(messages):
    schema = {"oneOf": [payload(each) for each in messages], "components": document()["components"]}
    return Draft202012Validator(schema, format_checker=FormatChecker())


def check(frame):
    """The frame, if the server may say that. Raises ValidationError."""
    _validator(TOLD).validate(frame)
    return frame


def check_command(frame):
    _validator(HEARD).validate(frame)
    return frame
