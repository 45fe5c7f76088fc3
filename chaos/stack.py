"""The stack under test: started by the product's own supervisor, with its own servers."""

import json
import os
import signal
import subprocess
import sys
import uuid
from contextlib import contextmanager

import psutil
import psycopg
import redis

from chaos.kill_points import MID_PUBLISH, POINTS
from chaos.probes import PROBES, answers
from notebook.stack.service import free_port
from notebook.tests.live import PASSWORD, PROJECT, LiveStack, start_supervisor, until, until_ready

PROCESSES = tuple(PROBES)
LIVE = ("PENDING", "RUNNING")
SLOTS = 2
# Short times, so that a row takes seconds; small batches, so that a small document has several.
SETTINGS = {
    "ADMIN_PASSWORD": PASSWORD,
    "DATABASE_POOL_SIZE": "4",
    "DJANGO_SETTINGS_MODULE": "chaos.settings",
    "EMBEDDING_BATCH_SIZE": "8",
    "EMBEDDING_REUSE_ACROSS_OWNERS": "true",  # the ledger knows texts, but not their owners
    "EMBEDDING_TIMEOUT_SECONDS": "20",
    "LOG_JSON": "true",
    "REPUBLISH_SECONDS": "5",
    "SWEEP_SECONDS": "1",
    "TASK_LEASE_SECONDS": "6",
    "WORKER_CONCURRENCY": str(SLOTS),
}
FOREIGN = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "HOST", "PYTEST_CURRENT_TEST")
BACK_SECONDS = 60


class ChaosStack(LiveStack):
    """A stack that can be broken in every way and restarted on the same data directory."""

    def __init__(self, data_dir, embedder):
        port = free_port()
        environment = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        environment |= SETTINGS | {"DATA_DIR": str(data_dir), "PORT": str(port)}
        super().__init__(
            url=f"http://127.0.0.1:{port}", username="admin", password=PASSWORD,
            data_dir=data_dir, environment=environment, embedder=embedder,
        )  # fmt: skip
        self.supervisor = None
        self.output = data_dir / "stack.log"
        self.seen = set()  # every process of the stack seen so far
        self._frozen = set()
        self._log_marks = {}

    # --- Start and stop ---------------------------------------------------------------------------
    def start(self):
        """Start or restart it; return when every process responds."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        (self.data_dir / "armed").mkdir(exist_ok=True)
        self.supervisor = start_supervisor(self.environment, self.output)
        until_ready(self.supervisor, self.output)
        for name in PROCESSES:
            self.until_back(name)
        self.family()

    @property
    def is_running(self):
        return self.supervisor is not None and self.supervisor.poll() is None

    def stop(self):
        """Like Ctrl-C."""
        self.thaw()
        if self.is_running:
            self.family()
            self.supervisor.send_signal(signal.SIGTERM)
        if self.supervisor is not None:
            self.supervisor.wait(60)

    def kill_everything(self):
        """SIGKILL the supervisor and all its descendants at once, like a power cut."""
        family = self.family()
        self.supervisor.kill()
        for process in family:
            _signal(process, signal.SIGKILL)
        psutil.wait_procs(family, timeout=10)
        self.supervisor.wait(10)
        self._frozen.clear()

    def start_over(self):
        """After a row that left it broken: a new start, with no unfinished work."""
        self.kill_everything()
        self.start()
        with self.client() as client:
            for task_id in self.live_tasks():
                client.post(f"/api/tasks/{task_id}/cancel/")

    @contextmanager
    def changed(self, **environment):
        """The same stack on the same data with other settings; restored afterwards."""
        before = dict(self.environment)
        self.stop()
        self.environment |= environment
        try:
            self.start()
            yield self
        finally:
            self.stop()
            self.environment = before
            self.start()

    # --- Processes --------------------------------------------------------------------------------
    def process(self, name):
        return psutil.Process(self.pid(name))

    def family(self):
        """Every living process of the stack, except the supervisor."""
        try:
            found = set(psutil.Process(self.supervisor.pid).children(recursive=True))
        except psutil.NoSuchProcess:
            return set()
        self.seen |= found
        return found

    def worker_children(self):
        """The worker's pool processes, which run the steps."""
        return self.process("worker").children()

    def kill(self, name, number=signal.SIGKILL, *, family=False):
        """Signal one process of the stack, with its descendants if `family`; returns its pid."""
        self.family()
        process = self.process(name)
        for each in (process, *(process.children(recursive=True) if family else ())):
            _signal(each, number)
        return process.pid

    def freeze(self, name):
        """Stop it and its descendants, unnoticed by others, until `thaw`."""
        process = self.process(name)
        frozen = {process, *process.children(recursive=True)}
        self._frozen |= frozen
        for each in frozen:
            _signal(each, signal.SIGSTOP)

    def thaw(self, name=None):
        """Continue one process and its descendants, or all that are frozen."""
        if name is None:
            thawed = set(self._frozen)
        else:
            thawed = {self.process(name), *self.process(name).children(recursive=True)}
        for each in thawed:
            _signal(each, signal.SIGCONT)
        self._frozen -= thawed

    def until_back(self, name, *, after=None, seconds=BACK_SECONDS):
        """Wait until the process responds; `after` is the pid it must no longer have."""
        until(
            lambda: (self.pid_or_none(name), self.output.read_text()[-2000:]),
            lambda found: found[0] not in (None, after) and answers(self, name),
            seconds=seconds,
        )

    def pid_or_none(self, name):
        """The pid of a living process; None between two starts."""
        try:
            process = self.process(name)
            return None if process.status() == psutil.STATUS_ZOMBIE else process.pid
        except (OSError, ValueError, IndexError, psutil.Error):
            return None

    # --- Servers ----------------------------------------------------------------------------------
    @property
    def runtime(self):
        return json.loads((self.data_dir / "runtime.json").read_text())

    def database(self):
        """A connection in autocommit mode."""
        return psycopg.connect(
            self.runtime["DATABASE_URL"], autocommit=True, connect_timeout=3,
            application_name="chaos",
        )  # fmt: skip

    def broker(self):
        return redis.Redis.from_url(self.runtime["REDIS_URL"], socket_timeout=3)

    def manage(self, *arguments):
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.check_output(
            command, cwd=PROJECT, env=self.environment | self.runtime, text=True, timeout=120
        )

    def doctor(self):
        """The findings of the product's own integrity check, including all files."""
        command = [sys.executable, "manage.py", "doctor", "--json", "--deep"]
        found = subprocess.run(
            command, cwd=PROJECT, env=self.environment | self.runtime, stdout=subprocess.PIPE,
            timeout=300, check=False,
        )  # fmt: skip
        return json.loads(found.stdout)

    def mark_logs(self):
        """Let `logs` begin here."""
        self._log_marks = {path: path.stat().st_size for path in self._log_files()}

    def logs(self, name):
        """What a process has logged since the mark."""
        path = self.data_dir / "logs" / f"{name}.log"
        with path.open("rb") as log:
            log.seek(min(self._log_marks.get(path, 0), path.stat().st_size))
            return log.read().decode(errors="replace")

    def _log_files(self):
        return sorted((self.data_dir / "logs").glob("*.log"))

    # --- Kill points ------------------------------------------------------------------------------
    def arm(self, step_type, point, *, victim=""):
        """Have the next process that reaches this point die, or kill `victim` of the stack."""
        assert point in (*POINTS, MID_PUBLISH), point
        draft = self.data_dir / "armed" / "draft"
        draft.write_text(victim)
        draft.rename(self.armed(step_type, point))

    def armed(self, step_type, point):
        """The file that exists until somebody strikes."""
        return self.data_dir / "armed" / f"{step_type}.{point}"

    def disarm(self):
        for path in (self.data_dir / "armed").iterdir():
            path.unlink(missing_ok=True)

    # --- Tasks ------------------------------------------------------------------------------------
    def task(self, client, document):
        """The document's latest task as the API shows it."""
        task_id = (document.get("task") or document)["id"]
        return client.get(f"/api/tasks/{task_id}/").json()

    def detail(self, task_id, step_type):
        """One step's row."""
        query = "SELECT * FROM tasks_taskdetail WHERE task_id = %s AND step_type = %s"
        with self.database() as db:
            cursor = db.execute(query, [task_id, step_type])
            return dict(zip([c.name for c in cursor.description], cursor.fetchone(), strict=True))

    def until_step(self, task_id, step_type, *statuses, seconds=30):
        """Wait until a step has one of the statuses; returns its row."""
        return until(
            lambda: self.detail(task_id, step_type),
            lambda row: row["status"] in statuses,
            seconds=seconds,
        )

    def live_tasks(self):
        with self.database() as db:
            found = db.execute("SELECT id::text FROM tasks_task WHERE status = ANY(%s)", [[*LIVE]])
            return [row[0] for row in found]

    def heal(self, *, seconds=60):
        """Undo every fault, then wait until everything is healthy and no work is left."""
        self.thaw()
        self.embedder.reset()
        self.disarm()
        for name in PROCESSES:
            self.until_back(name)
        until(self.live_tasks, lambda live: not live, seconds=seconds)
        until(self.known_slots, lambda slots: slots == SLOTS, seconds=seconds)

    def known_slots(self):
        """As last seen by the sweeper, which may include a worker that has left."""
        query = """
            SELECT sum(slots) FROM tasks_worker
            WHERE seen_at = (SELECT max(seen_at) FROM tasks_worker)"""
        with self.database() as db:
            return db.execute(query).fetchone()[0]


def text(paragraphs=3, *, say=""):
    """A document that nobody has uploaded before; it begins with `say`."""
    mark = uuid.uuid4().hex
    lines = [
        f"Paragraph {n} of {mark} tells of the lighthouse and what its keeper did on day {n}. " * 4
        for n in range(paragraphs)
    ]
    return "\n\n".join([say, *lines] if say else lines).encode()


def _signal(process, number):
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
