"""JSON, indented as it was written: every key, and numbers with their digits."""

import json
import re
from collections.abc import Iterator

from documents.exceptions import TooMuchText

_STRING = r'"(?:[^"\\]+|\\.)*"'
_TOKEN = re.compile(rf'{_STRING}|[][{{}},:]|[^][{{}},:"\s]+')
_ESCAPED = re.compile(_STRING)
_OPENING, _CLOSING = frozenset("[{"), frozenset("]}")


def indented(text: str, limit: int) -> str:
    """Raises ValueError or RecursionError for what is not one value, or too deep to be sure.

    Raises TooMuchText: the indents of what is deep may be far longer than all the rest.
    """
    json.loads(text, parse_float=str, parse_int=str, object_pairs_hook=lambda pairs: None)
    written, size = list[str](), 0
    for piece in _pieces(text):
        written.append(piece)
        size += len(piece)
        if size > limit:
            raise TooMuchText(limit=limit)
    return "".join(written)


def readable_lines(text: str) -> str:
    """Several values, one a line (JSON lines), with the characters that their escapes stand for."""
    return "\n".join(_readable(line) if "\\u" in line else line for line in text.split("\n"))


def _readable(line: str) -> str:
    try:
        json.loads(line, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        return line
    return _ESCAPED.sub(lambda string: _unescaped(string[0]), line)


def _pieces(text: str) -> Iterator[str]:
    depth, before = 0, ":"
    for part in map(re.Match.group, _TOKEN.finditer(text)):
        depth -= part in _CLOSING
        begins = before == "," or (before in _OPENING) != (part in _CLOSING)
        line = "\n" + " " * depth if begins else ""
        depth += part in _OPENING
        yield line + (": " if part == ":" else _unescaped(part) if "\\" in part else part)
        before = part


def _unescaped(string: str) -> str:
    return json.dumps(json.loads(string), ensure_ascii=False)
