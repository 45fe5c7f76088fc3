"""Values of OpenDocument cells, formatted like those in `cell_values`."""

import re
from datetime import datetime, timedelta

from lxml import etree

from documents.extraction.office.cell_formats import shape_seen
from documents.extraction.office.cell_values import shown

_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_CALCEXT = "{urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0}"
_TYPE = f"{_OFFICE}value-type"
_NUMBERS = frozenset({"float", "percentage", "currency"})
_DURATION = re.compile(r"PT(\d{1,7})H(\d{1,2})M(\d{1,2})(?:[.,]\d*)?S")
_LONGEST = 100  # characters of a number
_DAY = timedelta(days=1)


def value_of(cell: etree._Element, text: str) -> str:
    """The value of a cell that is displayed as `text`; "" for a formula error."""
    kind = cell.get(_TYPE)
    if kind in _NUMBERS:
        return _number(cell.get(f"{_OFFICE}value", ""), text, percentage=kind == "percentage")
    if kind == "date":
        return _date(cell.get(f"{_OFFICE}date-value", "")) or text
    if kind == "time":
        return _time(cell.get(f"{_OFFICE}time-value", "")) or text
    if kind == "boolean":
        return str(cell.get(f"{_OFFICE}boolean-value", text)).upper()
    if cell.get(f"{_CALCEXT}value-type") == "error":
        return ""
    return text or cell.get(f"{_OFFICE}string-value", "")


def _number(said: str, text: str, *, percentage: bool) -> str:
    try:
        value = float(said)
    except ValueError:
        return text
    plain = shown(value)
    if text == plain or len(text) > _LONGEST:
        return plain
    shape = shape_seen(text, value, percentage=percentage)
    return shape.of(value, plain) if shape is not None else plain


def _date(said: str) -> str:
    try:
        moment = datetime.fromisoformat(said) + timedelta(milliseconds=1)  # for rounding
    except (ValueError, OverflowError):
        return ""
    return shown(moment.replace(microsecond=0))


def _time(said: str) -> str:
    """A time of day, or a duration if it is longer than a day."""
    match = _DURATION.fullmatch(said)
    if match is None:
        return ""
    hours, minutes, seconds = map(int, match.groups())
    length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return shown(length if length >= _DAY else (datetime.min + length).time())  # noqa: DTZ901
