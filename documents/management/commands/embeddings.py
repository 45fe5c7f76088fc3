"""`manage.py embeddings`: shows which model's vectors are searched, and changes it."""

import time
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from rich.progress import Progress

from documents import spaces, switching
from documents.models import Chunk, ChunkVector, EmbeddingSpace
from tasks.exceptions import TaskError
from tasks.models import Task

POLL_SECONDS = 0.5


class Command(BaseCommand):
    help = "Show the embedding spaces, or switch search to another model without downtime."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="what", required=True)
        commands.add_parser("show", help="each space, and how far it is filled")
        commands.add_parser("cancel", help="give up a switch that has not happened yet")
        switch = commands.add_parser("switch", help="embed all passages again, then search those")
        switch.add_argument("model", nargs="?", help="default: what the settings name")
        switch.add_argument("--query-model", help="if it is another than the passages'")
        switch.add_argument("--dimensions", type=int, help="default: what the endpoint gives")
        switch.add_argument("--passage-prefix", help="put before each passage")
        switch.add_argument("--query-prefix", help="put before each question")
        switch.add_argument("--base-url", default="", help="default: EMBEDDING_BASE_URL")
        switch.add_argument("--key-variable", default="", help="default: OPENAI_API_KEY")
        switch.add_argument("--user", help="whose task it becomes; default: the first superuser")
        switch.add_argument("--wait", action="store_true", help="show progress until it is done")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            getattr(self, f"_{options['what']}")(options)
        except TaskError as error:
            raise CommandError(error.message) from error

    def _show(self, _options: Any = None) -> None:
        total = Chunk.objects.count()
        for space in EmbeddingSpace.objects.all():
            have = ChunkVector.objects.filter(space=space).count()
            where = f" at {space.base_url}" if space.base_url else ""
            told = f"{space}{where}: {space.get_state_display()}, {have:,} of {total:,} passages"
            self.stdout.write(told + (f" (task {space.task_id})" if space.task_id else ""))

    def _switch(self, options: dict[str, Any]) -> None:
        task = switching.start(self._wanted(options), owner_id=_owner(options["user"]))
        self.stdout.write(
            f"The switch is task {task.pk}. Search goes on as before until it is done."
        )
        if options["wait"]:
            self._watch(task)

    def _cancel(self, _options: Any) -> None:
        self.stdout.write("Given up." if switching.cancel() else "No switch has begun.")

    def _wanted(self, options: dict[str, Any]) -> EmbeddingSpace:
        """The requested space; the settings' prefixes only apply to the settings' own model."""
        wanted = spaces.of_settings()
        if options["model"]:
            wanted.passage_model = options["model"]
            wanted.query_model = options["query_model"] or options["model"]
            wanted.passage_prefix = wanted.query_prefix = ""
        for name in ("query_model", "passage_prefix", "query_prefix", "base_url", "key_variable"):
            if options[name] is not None:
                setattr(wanted, name, options[name])
        if wanted.key_variable and not wanted.key:
            raise CommandError(f"{wanted.key_variable} is empty: put the key there first.")
        if options["model"] or options["dimensions"]:
            wanted.dimensions = options["dimensions"] or switching.measured(wanted)
        return wanted

    def _watch(self, task: Task) -> None:
        with Progress(transient=True) as progress:
            bar = progress.add_task("", total=100)
            while True:
                task.refresh_from_db()
                running = task.task_details.exclude(status="COMPLETED").first()
                name = running.step_name if running else ""
                progress.update(bar, completed=task.progress, description=name)
                if not task.is_live:
                    break
                time.sleep(POLL_SECONDS)
        if task.error_message:
            raise CommandError(task.error_message)
        self.stdout.write(f"{task.get_status_display()}.")


def _owner(username: str | None) -> int:
    users = get_user_model().objects
    found = users.filter(username=username) if username else users.filter(is_superuser=True)
    user = found.order_by("pk").first()
    if user is None:
        raise CommandError(f"There is no user {username or 'that may do all'}.")
    return int(user.pk)
