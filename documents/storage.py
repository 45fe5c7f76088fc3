"""Files that survive a power cut: written beside their place, synced, then renamed into it."""

import os
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage


class DurableFileSystemStorage(FileSystemStorage):
    """Django's storage, plus fsync of the file and of its folder before `save` returns."""

    def _save(self, name: str, content: Any) -> str:
        partial: str = super()._save(f"{name}.partial", content)  # type: ignore[misc]
        source, target = Path(self.path(partial)), Path(self.path(name))
        _sync(source)
        source.replace(target)
        _sync(target.parent)
        return name


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
