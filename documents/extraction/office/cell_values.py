"""Values of cells as people see them in a spreadsheet, formats of currencies and the like aside."""

import math
import re
from datetime import datetime, time, timedelta
from decimal import Decimal

_SHORT = 1e10  # no whole number below it has more than ten digits
_TYPED = 13  # characters: longer fractions are computed and end nowhere …
_DECIMALS = 4  # … and lose what is beyond ten digits, as in cells without a format, and these
_EXACT = 2**53  # below it a float is every whole number there is
_PLAIN = 1e21  # whole numbers below it are written without an exponent
_PERCENT = re.compile(r"(?:\.([0#?]*))?%")
_GENERAL = frozenset({"", "general", "standard"})
_ELAPSED = re.compile(r"\[[hms]+\]", re.IGNORECASE)
_TIMES = re.compile(r"[ymdhs]")  # in the code of a format, what is quoted aside
_LAST_DAY = 2_957_000  # of the year 9999, as spreadsheets count
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
    """To 15 digits, which is what spreadsheets keep; what a division left over, to ten."""
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
    """ISO 8601 to the minute, or to the second where there are any."""
    return value.isoformat(timespec="seconds" if value.second else "minutes")


def percent_decimals(code: str) -> int | None:
    """With how many decimals a number format shows a percentage; None when it shows none."""
    match = _PERCENT.search(_QUOTED.sub("", code))
    return len(match[1] or "") if match else None


def formatted(text: str, code: str, *, since_1904: bool = False) -> str:
    """A number that a chart keeps, in its format as far as `shown` knows it; no number as it is."""
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
    """What a count of days stands for; a part of the first day is a time alone."""
    first = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)  # noqa: DTZ001
    moment = first + timedelta(seconds=round(days * 86_400))
    return moment.time() if days < 1 and not since_1904 else moment
