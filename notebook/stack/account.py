"""The account that Postgres runs as when we are root, which it refuses to run as."""

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
        """The command line prefix that runs a program as this account, with access to `paths`.

        If a parent folder is closed to others (a home directory, /root), the program gets the
        capability to pass it, rather than the folder being opened to everybody.
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
            # Else access(2), by which Postgres finds its programs, would ignore the capability.
            words.append("--securebits=+no_setuid_fixup")
        return [*words, "--"]


def unprivileged_account() -> Account:
    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def owner(path: Path) -> Account | None:
    """The owner of `path`; None if it does not exist or belongs to root."""
    if not path.exists() or path.stat().st_uid == 0:
        return None
    return Account(path.stat().st_uid, path.stat().st_gid)


def open_to_others(path: Path) -> bool:
    """Whether everybody may pass through `path` and its parents, also those behind links."""
    folders = {path, *path.absolute().parents, *path.resolve().parents}
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in folders)
