"""The version, read from the newest heading of CHANGELOG.md, so that it is written once."""

import re
from pathlib import Path

_CHANGELOG = Path(__file__).resolve().parent.parent / "CHANGELOG.md"


def _newest(changelog: str) -> str:
    found = re.search(r"^## (\d+\.\d+\.\d+)", changelog, re.MULTILINE)
    if not found:
        raise ValueError("CHANGELOG.md has no heading like '## 1.2.3'")
    return found[1]


VERSION = _newest(_CHANGELOG.read_text(encoding="utf-8"))
