"""JSON, indented: every key is kept, and numbers with their exact digits."""

import json
import re
from collections.abc import Iterator

from documents.exceptions import TooMuchText

_STRING = r'"(?:[^"\\]+|\\.)*"'
_TOKEN = re.compile(rf'{_STRING}|[][{{}},:]|[^][{{}},:"\s]+')
_ESCAPED = re.compile(_STRING)
_OPENING, _CLOSING = frozenset("[{"), frozenset("]}")


def indented(text: str, limit: int) -> str:
    """Raises ValueError or RecursionError if it is not a single value, or nested too deeply.

    Raises TooMuchText: indents of deep nesting may be far longer than everything else.
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
    """Several values, one per line (JSON lines), with escapes replaced by their characters."""
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
