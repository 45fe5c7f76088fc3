"""The data directory: one place per copy of Notebook, one supervisor at a time."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from notebook.stack.exceptions import StackError

SECRET_NAMES = ("SECRET_KEY", "POSTGRES_PASSWORD", "VALKEY_PASSWORD")


def open_data_dir(path: Path) -> Path:
    """Make the directory and its private folders where missing; return it, absolute.

    Raises StackError if that fails or one of them can't be written.
    """
    path = path.absolute()
    folders = [path / name for name in ("logs", "run", "files", "models")]
    try:
        # Others may pass through, as Postgres does when we are root, but not list it.
        path.mkdir(mode=0o711, parents=True, exist_ok=True)
        for folder in folders:
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StackError(f"The data directory {path} can't be used: {error.strerror}.") from error
    for folder in (path, *folders):
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise StackError(f"{folder} can't be written. Does it belong to another user?")
    return path


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Hold the directory for this process; StackError if another one has it."""
    with (data_dir / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            raise StackError(
                f"Notebook already runs on this data directory (pid {holder}): {data_dir}"
            ) from None
        (data_dir / "runtime.json").unlink(missing_ok=True)  # of a holder that was killed
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def runtime(data_dir: Path) -> dict[str, str]:
    """The variables to reach what runs on this directory; empty if nothing does."""
    path = data_dir / "runtime.json"
    if not path.is_file() or not _is_locked(data_dir):  # a killed supervisor leaves the file
        return {}
    variables: dict[str, str] = json.loads(path.read_text())
    return variables


def _is_locked(data_dir: Path) -> bool:
    with (data_dir / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def load_secrets(data_dir: Path) -> dict[str, str]:
    """This copy's secrets, made once and stored in a file that only its owner can read.

    Raises StackError if the file is damaged.
    """
    path = data_dir / "secrets.json"
    try:
        known: dict[str, str] = dict(json.loads(path.read_text())) if path.exists() else {}
    except (OSError, ValueError, TypeError) as error:
        raise StackError(f"{path} can't be read ({error}). Put back that of a backup.") from error
    with suppress(OSError):  # it does not exist yet, or is not ours
        path.chmod(0o600)  # a restored copy may be open to others
    missing = {name: secrets.token_urlsafe(48) for name in SECRET_NAMES if name not in known}
    if missing:
        known |= missing
        write_private(path, json.dumps(known, indent=2) + "\n")
    return known


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path`, readable by its owner alone, whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
