"""Lines of the log, whatever others sent."""

import json
import logging

import pytest

from notebook.logs import logging_config

RAW = "x\x1b[31m\x9b2J\x00\x07"
ESCAPED = r"x\x1b[31m\x9b2J\x00\x07"


def formatter(*, as_json):
    """What formats records, made as Django makes it from `LOGGING`."""
    config = logging_config(level="INFO", json=as_json)
    made = dict(config["formatters"]["lines"])
    return made.pop("()")(**made)


def line(event, *, as_json=False, exc_info=None, **values):
    record = logging.LogRecord("notebook", logging.INFO, "x.py", 1, event, None, exc_info)
    if values:  # as our own records come: a dictionary
        record.msg, record._logger, record._name = {"event": event, **values}, None, "info"
        record.exc_info = None
    return formatter(as_json=as_json).format(record)


@pytest.mark.parametrize("more", ["", "\r", " in words"])
def test_a_terminal_is_told_nothing_by_a_value(more):
    found = line("request_started", user_agent=RAW + more)
    assert ESCAPED in found
    assert found.isprintable()


def test_a_terminal_is_told_nothing_by_an_event():
    found = line(f"by {RAW}\n2026 [info] not ours\tat all")
    assert f"by {ESCAPED}" + r"\n2026 [info] not ours" + "\tat all" in found
    assert "\n" not in found


def test_a_traceback_has_lines_and_no_controls():
    try:
        raise ValueError(RAW)
    except ValueError as error:
        found = line("it_failed", exc_info=(ValueError, error, error.__traceback__))
    assert f"\nValueError: {ESCAPED}" in found
    assert "\x1b" not in found


@pytest.mark.parametrize("words", ["naïve 文档 ✓", "plain"])
def test_words_stay(words):
    assert words in line(words)


def test_json_loses_nothing():
    assert json.loads(line("e", as_json=True, user_agent=RAW))["user_agent"] == RAW
