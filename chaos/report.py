"""The report of faults: one row per test with its outcome and time, as Markdown and as JSON."""

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil

PACKAGES = ("Django", "celery", "kombu", "channels", "daphne", "psycopg", "pgvector", "openai")


@dataclass
class Row:
    id: str
    title: str
    parameters: str
    bound: float  # seconds
    seconds: float | None = None  # from the fault to the end of its effects
    test_seconds: float = 0
    outcome: str = "not run"
    representative: bool = False


@dataclass
class Report:
    seed: int
    rows: dict[str, Row] = field(default_factory=dict)  # by the test's node id
    servers: dict[str, str] = field(default_factory=dict)

    def record(self, node_id, phase, outcome, seconds):
        """Record one phase of a test; a failure in any phase is the row's outcome."""
        row = self.rows[node_id]
        row.test_seconds += seconds
        first_word = phase == "call" and row.outcome == "not run"
        if first_word or outcome in ("failed", "skipped"):
            row.outcome = outcome

    def write(self, path):
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = sorted(self.rows.values(), key=lambda row: (row.id, row.parameters))
        path.write_text(self._markdown(rows))
        found = {"about": self._about(), "rows": [asdict(row) for row in rows]}
        path.with_name(f"{path.name}.json").write_text(json.dumps(found, indent=2) + "\n")

    def _markdown(self, rows):
        passed = sum(row.outcome == "passed" for row in rows)
        lines = ["# Fault tests", "", f"{passed} of {len(rows)} rows passed.", ""]
        lines += [f"- {name}: {value}" for name, value in self._about().items()]
        lines += ["", "| row | fault and outcome | case | result | seconds | bound |"]
        lines += ["|---|---|---|---|---:|---:|", *map(_line, rows)]
        return "\n".join(lines) + "\n"

    def _about(self):
        memory = psutil.virtual_memory().total / 2**30
        packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
        return {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "seed": str(self.seed),
            "machine": f"{os.cpu_count()} cores, {memory:.0f} GB memory, {platform.platform()}",
            "python": platform.python_version(),
            "packages": packages,
            **self.servers,
        }


def _line(row):
    took = "" if row.seconds is None else f"{row.seconds:.1f}"
    return f"| {row.id} | {row.title} | {row.parameters} | {row.outcome} | {took} | {row.bound:g} |"


def server_versions(stack):
    """The versions of the stack's servers."""
    with stack.database() as db, stack.broker() as broker:
        postgres = db.execute("SHOW server_version").fetchone()[0]
        vector = db.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
        return {
            "Postgres": f"{postgres}, pgvector {vector.fetchone()[0]}",
            "Valkey": broker.info("server").get("valkey_version", "unknown"),
        }
