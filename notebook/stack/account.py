"""Postgres refuses to run as root: whom it runs as instead, and how that one reaches its files."""

import pwd
import shutil
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from notebook.stack.exceptions import StackError


@dataclass(frozen=True)
class Account:
    uid: int
    gid: int

    def prefix(self, paths: Iterable[Path]) -> list[str]:
        """The words before a program that make it run as this account and reach `paths`.

        Where a parent folder is closed to others (a home directory, /root), the program gets the
        one capability that opens it, rather than the folder being opened to everybody.
        """
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise StackError(
                "Postgres does not run as root, and this system has no `setpriv` to change that."
                " Start Notebook as an ordinary user, or set DATABASE_URL."
            )
        words = [setpriv, f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]
        words.append("--pdeathsig=INT")  # changing the user made the kernel forget ours
        if not all(open_to_others(path) for path in paths):
            words += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
            # Else access(2), by which Postgres looks for its programs, would not count it.
            words.append("--securebits=+no_setuid_fixup")
        return [*words, "--"]


def unprivileged_account() -> Account:
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def owner(path: Path) -> Account | None:
    """Whom `path` belongs to, unless it does not exist or is root's."""
    if not path.exists() or path.stat().st_uid == 0:
        return None
    return Account(path.stat().st_uid, path.stat().st_gid)


def open_to_others(path: Path) -> bool:
    """Whether everybody may pass through `path` and the folders above it, by links or not."""
    folders = {path, *path.absolute().parents, *path.resolve().parents}
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)
