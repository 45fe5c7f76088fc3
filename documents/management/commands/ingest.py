"""Ingests files from a terminal, shows their progress, and asks a question of them."""

import json
import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from documents import search, services
from documents.models import Document, DocumentStatus
from tasks import events
from tasks.events import DetailSnapshot, TaskSnapshot
from tasks.exceptions import TaskError
from tasks.models import TERMINAL, Status, Task

POLL_SECONDS = 0.2
START_SECONDS = 180
MANY = 20  # files; from here on the upload is bulk work and lets others go first


class Command(BaseCommand):
    help = "Process files as an upload would, show each step, and search if asked to."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--user", default="admin", help="whose documents they become")
        parser.add_argument("--search", metavar="QUESTION", help="ask this when all is processed")

    def handle(self, *_args: Any, **options: Any) -> None:
        if not os.environ.get("DATABASE_URL"):
            with _own_stack(self.stdout.write) as environment:
                again = [sys.executable, sys.argv[0], *sys.argv[1:]]
                sys.exit(subprocess.call(again, env=environment))
        owner = get_user_model().objects.filter(username=options["user"]).first()
        if owner is None:
            raise CommandError(f"There is no user {options['user']}.")
        # Rich markup is off: names, headings and messages may contain brackets and colons.
        self.console = Console(file=cast("IO[str]", self.stdout), markup=False, emoji=False)
        documents = self._upload(owner.pk, options["files"])
        _Watch(self.console, documents).until_done()
        failed = self._refused or self._tell(documents)
        if options["search"]:
            self._search(owner.pk, options["search"])
        if failed:
            sys.exit(1)

    def _upload(self, owner_id: int, files: Sequence[Path]) -> list[Document]:
        found, self._refused = [], False
        for path in files:
            try:
                upload = services.upload_document(
                    owner_id=owner_id, path=path, name=path.name, bulk=len(files) > MANY
                )
            except (OSError, TaskError) as error:
                self._refused = True
                said = error.message if isinstance(error, TaskError) else error.strerror
                self.console.print(f"{path.name}: {said}", style="red")
                continue
            found.append(upload.document)
        return found

    def _tell(self, documents: list[Document]) -> bool:
        """Print the result of each document; returns whether any failed."""
        rows = Document.objects.filter(pk__in=[document.pk for document in documents])
        for row in rows.order_by("name"):
            pages = f", {row.page_count} pages" if row.page_count else ""
            said = f"{row.name}: {row.status}, {row.chunk_count} chunks{pages}"
            self.console.print(said + (f". {row.error_message}" if row.error_message else ""))
        return rows.exclude(status=DocumentStatus.AVAILABLE).exists()

    def _search(self, owner_id: int, question: str) -> None:
        try:
            hits = search.search(owner_id=owner_id, query=question, top_k=5)
        except TaskError as error:
            raise CommandError(error.message) from error
        self.console.print(f"\n{question}" if hits else "\nNothing was found.", style="bold")
        for place, hit in enumerate(hits, start=1):
            page = f", page {hit.chunk.page_start}" if hit.chunk.page_start else ""
            where = " › ".join(hit.chunk.headings)
            self.console.print(
                f"\n{place}. {hit.document.name}{page}  {hit.score:.2f}  {where}", style="cyan"
            )
            self.console.print(hit.chunk.text, highlight=False)


class _Watch:
    """One line per finished step, and a progress bar for the running one."""

    def __init__(self, console: Console, documents: list[Document]) -> None:
        self.names = {document.pk: document.name for document in documents}
        self.told: set[tuple[str, int]] = set()
        self.bars: dict[str, TaskID] = {}
        self.progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:3.0f}%"),
            TimeElapsedColumn(),
            console=console,
        )

    def until_done(self) -> None:
        with self.progress:
            while not all(self._show(task) for task in self._latest()):
                time.sleep(POLL_SECONDS)  # a worker does the work; this only polls

    def _latest(self) -> list[Task]:
        tasks = Task.objects.filter(document_id__in=self.names).latest_of_each_document()
        return list(events.with_details(tasks))

    def _show(self, task: Task) -> bool:
        """Draw the task's state; returns whether it has ended."""
        found, name = events.snapshot(task), self.names[UUID(str(task.document_id))]
        for detail in found["task_details"]:
            if detail["status"] == Status.COMPLETED:
                self._line(name, found, detail)
        current = next((d for d in found["task_details"] if d["status"] == Status.RUNNING), None)
        self._bar(name, found, current)
        return task.status in TERMINAL

    def _line(self, name: str, found: TaskSnapshot, detail: DetailSnapshot) -> None:
        key = (found["task_id"], detail["step_order"])
        if key not in self.told:
            self.told.add(key)
            facts = ", ".join(
                f"{key.replace('_', ' ')} {value}"
                for key, value in detail["details"].items()
                if isinstance(value, int | str) and value != ""
            )
            line = f" {name}: {detail['step_name']}  "
            self.progress.console.print(Text.assemble(("✓", "green"), line, (facts, "dim")))

    def _bar(self, name: str, found: TaskSnapshot, current: DetailSnapshot | None) -> None:
        task_id = found["task_id"]
        if found["status"] in TERMINAL:
            if task_id in self.bars:
                self.progress.remove_task(self.bars.pop(task_id))
            return
        step = f"{name}: {current['step_name']}" if current else f"{name}: {_wait(found)}"
        if task_id not in self.bars:
            self.bars[task_id] = self.progress.add_task(step, total=100)
        percent = current["progress"] if current else 0
        self.progress.update(self.bars[task_id], description=step, completed=percent)


def _wait(found: TaskSnapshot) -> str:
    waiting = next((d for d in found["task_details"] if d["status"] == Status.PENDING), None)
    if waiting and waiting["error_message"]:
        return waiting["error_message"]
    turn = waiting["details"].get("queue") if waiting else None
    return f"waiting, number {turn['position']}" if turn else "waiting"


@contextmanager
def _own_stack(say: Any) -> Iterator[dict[str, str]]:
    """Services and a worker for the duration of this command, if none are running."""
    say("Nothing runs on this data directory yet: starting services and a worker for this command.")
    (settings.DATA_DIR / "runtime.json").unlink(missing_ok=True)  # left by a killed stack
    stack = subprocess.Popen(
        [sys.executable, "-m", "notebook.stack", "--no-web", "--stop-with-parent"],
        cwd=settings.BASE_DIR,
    )
    try:
        yield {**os.environ, **_shared_by(stack)}
    finally:
        stack.terminate()
        stack.wait()


def _shared_by(stack: "subprocess.Popen[bytes]") -> dict[str, str]:
    runtime, deadline = settings.DATA_DIR / "runtime.json", time.monotonic() + START_SECONDS
    while not runtime.is_file():
        if stack.poll() is not None or time.monotonic() > deadline:
            raise CommandError("The services did not start; see the lines above.")
        time.sleep(POLL_SECONDS)  # another process writes the file; there is nothing to wait on
    shared: dict[str, str] = json.loads(runtime.read_text())
    return shared
