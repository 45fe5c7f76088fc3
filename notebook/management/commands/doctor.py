"""Look at everything a healthy Notebook needs, tell what is broken, and mend what is safe to."""

import json
import sys
from argparse import ArgumentParser
from collections import Counter
from dataclasses import asdict
from typing import IO, Any, cast

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.text import Text

from notebook.database import ImpatientConnection
from notebook.diagnosis.examination import examine
from notebook.diagnosis.finding import Finding, Level

HEALTHY, PROBLEMS, COULD_NOT_LOOK = 0, 1, 2
ANSWER_SECONDS = 70  # longer than Postgres lets a statement take
STYLES = {
    Level.OK: "green", Level.NOTE: "cyan", Level.PROBLEM: "bold red", Level.UNKNOWN: "bold red",
}  # fmt: skip


class Command(BaseCommand):
    help = (
        "Look at services, workers, rows and files, and tell what is broken. Ends with 0 if all is"
        " well, 1 if there are problems, 2 if it could not look."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--fix", action="store_true", help="mend what is safe to mend")
        parser.add_argument(
            "--deep", action="store_true",
            help="read every text, vector and file too, and embed a word, which may cost money",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help="one JSON object for programs")

    def handle(self, *_args: Any, **options: Any) -> None:
        ImpatientConnection.answer_seconds = ANSWER_SECONDS
        console = Console(file=cast("IO[str]", self.stdout), highlight=False, soft_wrap=True)
        found: list[Finding] = []
        for finding in examine(deep=options["deep"], fix=options["fix"]):
            found.append(finding)
            if not options["json"]:
                console.print(_line(finding))
        code = exit_code(found)
        if options["json"]:
            self.stdout.write(json.dumps(_as_object(found, code), indent=2, ensure_ascii=False))
        else:
            console.print(Text(_summary(found), style="bold"))
        self.stdout.flush()
        sys.exit(code)


def exit_code(found: list[Finding]) -> int:
    levels = {finding.level for finding in found}
    if Level.UNKNOWN in levels:
        return COULD_NOT_LOOK
    return PROBLEMS if Level.PROBLEM in levels else HEALTHY


def _line(finding: Finding) -> Text:
    style = STYLES[finding.level]
    return Text.assemble((f"{finding.level:8}", style), f"{finding.name}: {finding.sentence}")


def _as_object(found: list[Finding], code: int) -> dict[str, Any]:
    return {
        "healthy": code == HEALTHY, "exit_code": code, "summary": _summary(found),
        "findings": [asdict(finding) for finding in found],
    }  # fmt: skip


def _summary(found: list[Finding]) -> str:
    count = Counter(finding.level for finding in found)
    said = [f"{count[level]} {level}" for level in reversed(Level) if count[level]]
    verdicts = {
        HEALTHY: "Healthy",
        PROBLEMS: "There are problems",
        COULD_NOT_LOOK: "Could not look",
    }
    return f"{verdicts[exit_code(found)]}: {', '.join(said)}."
