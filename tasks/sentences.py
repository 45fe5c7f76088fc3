"""Translates sentences for people when they are shown: rows and messages store them in English.

A sentence made from a template, such as an error's docstring, is recognised by the template's form.
"""

import inspect
import re
from collections.abc import Iterator
from functools import cache
from string import Formatter
from typing import overload

from django.utils.translation import get_language, gettext, gettext_noop

from tasks.exceptions import TaskError

TRIES_AGAIN = gettext_noop("{sentence} We try again by ourselves.")


@overload
def translated(sentence: str) -> str: ...
@overload
def translated(sentence: str | None) -> str | None: ...


def translated(sentence: str | None) -> str | None:
    """The sentence in the active language, unchanged if there is no translation."""
    if not sentence or (get_language() or "en").startswith("en"):
        return sentence
    for known in (sentence, *([sentence.capitalize()] if sentence.isalpha() else ())):
        if (found := gettext(known)) != known:
            return found
    for template, form in _forms():
        if match := form.fullmatch(sentence):
            return _filled(template, match.groupdict()) or sentence
    return sentence


def _filled(template: str, values: dict[str, str]) -> str:
    """The template's translation with these values; "" if there is none."""
    found = gettext(template)
    if found == template:
        return ""
    return found.format(**{name: translated(value) for name, value in values.items()})


def templates() -> set[str]:
    """All templates that sentences are made from."""
    return {inspect.cleandoc(error.__doc__ or "") for error in errors(TaskError)} | {TRIES_AGAIN}


@cache
def _forms() -> list[tuple[str, re.Pattern[str]]]:
    """Each template with placeholders and its pattern, the longest, most specific first."""
    known = [template for template in templates() if "{" in template]
    return [(each, _form(each)) for each in sorted(known, key=lambda t: (-len(t), t))]


def _form(template: str) -> re.Pattern[str]:
    parts = Formatter().parse(template)
    return re.compile(
        "".join(re.escape(text) + (f"(?P<{name}>.*)" if name else "") for text, name, *_ in parts),
        re.DOTALL,
    )


def errors(kind: type[TaskError]) -> Iterator[type[TaskError]]:
    """The class and all its subclasses."""
    yield kind
    for each in kind.__subclasses__():
        yield from errors(each)
