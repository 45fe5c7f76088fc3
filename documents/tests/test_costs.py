"""What one document costs the broker and the database: counted, so that noise can't hide growth."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from documents.models import Chunk, Extraction
from documents.pipeline import DOCUMENT
from tasks import outbox, runner, services
from tasks.models import Task
from tasks.tests.factories import run_all

pytestmark = pytest.mark.django_db
MOST_STATEMENTS = 66  # of a document with one batch of passages, the upload not counted
# For each further 500 chunks: eight requests to the embedder, each kept and, at most, told.
MOST_PER_500 = 80


@pytest.fixture(autouse=True)
def one_turn(by_hand, settings, monkeypatch):
    settings.TASK_SLICE_SECONDS = 600
    # Progress is told by the clock, at most five times a second.
    monkeypatch.setattr(runner, "REPORT_SECONDS", float("inf"))


def process(api, parts):
    """Upload a document that makes `parts` chunks, and run all its steps; the statements."""
    text = "\n\n".join(f"# Part {n}\n\nThe word{n} of {parts} is here." for n in range(parts))
    answer = api.post("/api/documents/", {"file": SimpleUploadedFile("a.md", text.encode())})
    statements = run_latest(answer.json()["id"])
    assert Chunk.objects.filter(document=answer.json()["id"]).count() == parts
    return statements


def run_latest(document_id):
    """Run the document's newest task; its statements."""
    task = Task.objects.filter(document_id=document_id).latest("created_at")
    with CaptureQueriesContext(connection) as captured:
        run_all(task)
    assert task.status == "COMPLETED"
    return [query["sql"] for query in captured.captured_queries]


def test_statements_grow_with_the_batches_of_chunks_and_not_with_the_chunks(api):
    few, many = len(process(api, 50)), len(process(api, 1050))
    assert few <= MOST_STATEMENTS, few
    assert many - few <= 2 * MOST_PER_500


def test_processing_again_does_not_read_the_old_text(api):
    process(api, 2)
    document_id = Chunk.objects.values_list("document_id", flat=True)[0]
    assert api.post(f"/api/documents/{document_id}/reprocess/").status_code == 202
    reading = re.compile(
        rf'\s*SELECT\b.*\btext\b.*\bFROM "?{Extraction._meta.db_table}\b', re.DOTALL
    )
    assert sum(bool(reading.match(sql)) for sql in run_latest(document_id)) == 1  # the splitter's


@pytest.fixture
def sent(monkeypatch):
    """The messages put, as their step types; that of the task itself has none."""
    found, put = [], outbox.put

    def counted(task, step_type, **values):
        found.append(step_type)
        put(task, step_type, **values)

    monkeypatch.setattr(outbox, "put", counted)
    return found


def test_a_document_that_fits_into_one_turn_takes_one_message(api, sent):
    process(api, 50)
    assert sent == [""]


def test_a_document_whose_turns_end_with_every_step_takes_one_message_for_each(
    api, sent, monkeypatch
):
    complete = services.complete
    end_turn = lambda *args, go_on: complete(*args, go_on=False)  # noqa: E731
    monkeypatch.setattr(services, "complete", end_turn)
    process(api, 50)
    assert sent == ["", *(step.type for step in DOCUMENT.steps[1:])]
