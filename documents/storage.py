"""File storage that survives a power cut: write to a temporary name, sync, rename."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.files.storage import FileSystemStorage
from django.core.files.uploadhandler import TemporaryFileUploadHandler


class DurableFileSystemStorage(FileSystemStorage):
    """Django's storage, plus fsync of the file and of its folder before `save` returns."""

    def _save(self, name: str, content: Any) -> str:
        draft = f"{name}.{uuid4().hex}.partial"  # another process may be writing the same file
        source, target = Path(self.path(draft)), Path(self.path(name))
        try:
            super()._save(draft, content)  # type: ignore[misc]
            _sync(source)
            source.replace(target)
        except BaseException:
            source.unlink(missing_ok=True)
            raise
        _sync(target.parent)
        return name


class UploadHandler(TemporaryFileUploadHandler):
    """Django's, but on a full disk it frees at once what it has written.

    Its temporary files do not end as the uploads' names do: that may be too long for a file's name.
    """

    def new_file(self, field_name: str, file_name: str, *about: Any, **options: Any) -> None:
        super().new_file(field_name, "upload", *about, **options)
        self.file.name = file_name

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        try:
            super().receive_data_chunk(raw_data, start)
        except OSError:
            with suppress(OSError):  # there is no space for its buffer either
                self.file.close()
            raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def incoming() -> Path:
    """Where uploads are received: on the volume of the files, so that `/tmp` needs no space."""
    return Path(settings.MEDIA_ROOT) / "incoming"


def make_incoming() -> Path:
    incoming().mkdir(mode=0o700, parents=True, exist_ok=True)
    return incoming()
