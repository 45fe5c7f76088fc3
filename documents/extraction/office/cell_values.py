"""Cell values as a spreadsheet shows them, apart from formats for currencies and the like."""

import math
import re
from datetime import datetime, time, timedelta
from decimal import Decimal

_SHORT = 1e10  # no whole number below it has more than ten digits
_TYPED = 13  # characters; longer fractions were computed …
_DECIMALS = 4  # … and are rounded to ten digits like cells without a format, or to these decimals
_EXACT = 2**53  # up to here floats represent every whole number
_PLAIN = 1e21  # whole numbers below this are written without an exponent
_PERCENT = re.compile(r"(?:\.([0#?]*))?%")
_GENERAL = frozenset({"", "general", "standard"})
_ELAPSED = re.compile(r"\[[hms]+\]", re.IGNORECASE)
_TIMES = re.compile(r"[ymdhs]")  # in a format code, without quoted text
_LAST_DAY = 2_957_000  # in the year 9999, as spreadsheets count days
_QUOTED = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]')


def shown(value: object) -> str:
    """Whole numbers without a fraction, dates and times in ISO 8601, dates without a midnight."""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, datetime):
        day = value.date().isoformat()
        return day if value.time() == time() else f"{day} {_moment(value.time())}"
    if isinstance(value, time):
        return _moment(value)
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        return f"{minutes // 60}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")
    return str(value).strip()


def _number(value: float) -> str:
    """To 15 digits, as spreadsheets keep them; long fractions from divisions to ten."""
    short = f"{value:.10g}"
    if -_SHORT < value < _SHORT and float(short) == value:  # nearly always
        return short
    exact = f"{value:.15g}"
    if value.is_integer() and abs(value) < _PLAIN:
        return str(int(value)) if abs(value) < _EXACT else f"{Decimal(exact):f}"
    if len(exact) <= _TYPED:
        return exact
    whole = len(str(int(abs(value))))
    return f"{value:.{min(max(10, whole + _DECIMALS), 15)}g}"


def _moment(value: time) -> str:
    """ISO 8601 to the minute, or to the second if there are any."""
    return value.isoformat(timespec="seconds" if value.second else "minutes")


def percent_decimals(code: str) -> int | None:
    """How many decimals a number format shows for a percentage; None if it is no percentage."""
    match = _PERCENT.search(_QUOTED.sub("", code))
    return len(match[1] or "") if match else None


def formatted(text: str, code: str, *, since_1904: bool = False) -> str:
    """A number stored in a chart, in its format as far as `shown` knows it; other text
    unchanged."""
    try:
        value = float(text) if code else math.nan
    except ValueError:
        return text
    if not math.isfinite(value):
        return text
    if (decimals := percent_decimals(code)) is not None:
        return f"{value:.{min(decimals, 15)}%}"
    is_dated = _TIMES.search("" if code.lower() in _GENERAL else _QUOTED.sub("", code).lower())
    if is_dated and 0 <= value < _LAST_DAY:
        moment = _moment_of(value, since_1904=since_1904)
        return shown(timedelta(days=value) if _ELAPSED.search(code) else moment)
    return _number(value)


def _moment_of(days: float, *, since_1904: bool) -> datetime | time:
    """The moment that a number of days stands for; below one day, a time only."""
    first = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)  # noqa: DTZ001
    moment = first + timedelta(seconds=round(days * 86_400))
    return moment.time() if days < 1 and not since_1904 else moment
