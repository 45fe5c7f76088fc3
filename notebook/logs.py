"""Logging through structlog: lines for people or JSON for machines, and no secrets."""

import logging
import re
from collections.abc import Callable
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

_SECRETS = re.compile(r"(sk-[\w-]{8,}|Bearer\s+\S+|Token\s+\w{8,}|(?<=://)[^\s/@]*:[^\s/@]+(?=@))")

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all but tabs and newlines


def redact(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Blank keys, tokens and passwords in URLs wherever a value carries them."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _SECRETS.sub("[redacted]", value)
    return event


def for_terminals(render: Callable[..., str]) -> Processor:
    """Make a renderer escape control characters, which could manipulate a terminal, and newlines
    in the event, which could forge log lines. Tracebacks keep theirs."""

    def rendered(logger: Any, name: str, event: EventDict) -> str:
        event["event"] = str(event.get("event", "")).replace("\n", "\\n")
        return _CONTROLS.sub(lambda found: repr(found[0])[1:-1], render(logger, name, event))

    return rendered


def logging_config(*, level: str, json: bool) -> dict[str, Any]:
    """A `LOGGING` dict in which structlog formats our own and everybody else's records.

    An unknown level becomes INFO, so that Django starts and a system check can report it.
    """
    known = logging.getLevelNamesMapping()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else for_terminals(structlog.dev.ConsoleRenderer(colors=False))
    )
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        "foreign_pre_chain": shared,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level if level in known else "INFO"},
        "loggers": {name: {"level": "WARNING"} for name in ("httpx", "httpx2", "daphne", "axes")},
    }
