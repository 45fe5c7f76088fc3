"""The uploaded file as a local path, verified by its checksum."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from documents.exceptions import FileChanged, FileMissing
from documents.models import Document


@contextmanager
def local(document: Document) -> Iterator[Path]:
    """The uploaded file as a local path; a temporary copy if the storage is remote.

    Each step that reads it verifies it: it may have changed since the step before. Raises
    FileMissing or FileChanged.
    """
    try:
        path = Path(document.file.path)
    except NotImplementedError:
        with NamedTemporaryFile() as copy:
            _download(document, copy)
            yield _as_uploaded(document, Path(copy.name))
        return
    yield _as_uploaded(document, path)


def _download(document: Document, copy: IO[bytes]) -> None:
    try:
        copy.writelines(document.file.chunks())
        copy.flush()
    except FileNotFoundError as error:
        raise FileMissing from error


def _as_uploaded(document: Document, path: Path) -> Path:
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise FileMissing from error
    if sha256 != document.sha256:
        raise FileChanged
    return path
