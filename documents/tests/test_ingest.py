"""`manage.py ingest` shows what is in files, whatever it looks like."""

from contextlib import suppress
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from documents.management.commands import ingest
from documents.tests.embedding_server import error
from tasks.models import Task
from tasks.tests.factories import run_all

pytestmark = pytest.mark.django_db
ODD = "[/etc/hosts] :smile: [red]"


@pytest.fixture
def ingested(by_hand, user, monkeypatch, tmp_path):
    """What the command prints; the work is done as soon as it waits."""
    monkeypatch.setenv("DATABASE_URL", "as in the settings")
    monkeypatch.setenv("COLUMNS", "200")
    work = SimpleNamespace(sleep=lambda _: [run_all(task) for task in Task.objects.all()])
    monkeypatch.setattr(ingest, "time", work)

    def run(name, text, **options):
        (tmp_path / name).write_text(text)
        out = StringIO()
        with suppress(SystemExit):  # a file was refused
            call_command("ingest", tmp_path / name, user=user.username, stdout=out, **options)
        return out.getvalue()

    return run


def test_brackets_in_names_headings_and_questions_are_text(ingested):
    name = "[red] :smile:.md"
    printed = ingested(name, f"# {ODD}\n\nThe file of hosts.", search=ODD)
    assert f"✓ {name}: " in printed
    assert f"{name}: AVAILABLE, 1 chunks" in printed
    assert f"\n{ODD}\n" in printed
    (hit,) = [line for line in printed.splitlines() if line.startswith("1. ")]
    assert hit.startswith(f"1. {name}")
    assert hit.endswith(ODD)


def test_brackets_in_the_name_of_a_refused_file_are_text(ingested):
    assert ingested("[red] :smile:.md", "").startswith("[red] :smile:.md: ")


def test_a_file_that_is_not_there_is_told_in_a_sentence(user, monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", "as in the settings")
    out = StringIO()
    with pytest.raises(SystemExit, match="1"):
        call_command("ingest", tmp_path / "none.md", user=user.username, stdout=out)
    assert "none.md: No such file or directory\n" in out.getvalue()


def test_a_search_that_fails_is_told_in_a_sentence(ingested, embedder):
    embedder.misbehave = lambda request: error(401) if "question" in request["input"] else None
    with pytest.raises(CommandError, match=r"^The embedding service refused our key\."):
        ingested("a.md", "Some words.", search="question")
