"""Logging through structlog: lines for people or JSON for machines, and no secrets."""

import logging
import re
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

_SECRETS = re.compile(r"(sk-[\w-]{8,}|Bearer\s+\S+|Token\s+\w{8,}|(?<=://)[^\s/@]*:[^\s/@]+(?=@))")


def redact(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Blank keys, tokens and passwords in URLs wherever a value carries them."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _SECRETS.sub("[redacted]", value)
    return event


def logging_config(*, level: str, json: bool) -> dict[str, Any]:
    """A `LOGGING` dict in which structlog formats our own and everybody else's records.

    A level that there is not is taken for INFO here, so that a system check can say so.
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
        else structlog.dev.ConsoleRenderer(colors=False)
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
