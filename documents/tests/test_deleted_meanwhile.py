"""A document that is deleted while it is processed: its work ends quietly."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from structlog.testing import capture_logs

from documents import pipeline
from documents.models import Document, Draft, Extraction
from documents.services import delete_document
from tasks import runner
from tasks.models import Task
from tasks.tests.factories import send_nothing

pytestmark = pytest.mark.django_db


@pytest.fixture
def task(api, monkeypatch, settings, tmp_path, embedder):
    send_nothing(monkeypatch)
    settings.MEDIA_ROOT = tmp_path
    settings.TASK_SLICE_SECONDS = 600
    settings.TASK_HEARTBEAT_SECONDS = 3600  # another connection sees nothing of this transaction
    file = SimpleUploadedFile("a.md", b"# One\n\nA word.\n\n# Two\n\nAnother one.")
    document_id = api.post("/api/documents/", {"file": file}).json()["id"]
    return Task.objects.get(document_id=document_id)


@pytest.mark.parametrize(
    "doing", ["local", "extract_text", "_kept", "passages_of", "_words_of", "_embed_drafts"]
)
def test_it_ends_with_one_line_in_the_log_whatever_was_being_done(
    task, monkeypatch, django_capture_on_commit_callbacks, doing
):
    really = getattr(pipeline, doing)

    def deleted_before(*args, **values):
        if Document.objects.exists():
            with django_capture_on_commit_callbacks(execute=True):  # these delete the file
                delete_document(task.document_id)
        return really(*args, **values)

    monkeypatch.setattr(pipeline, doing, deleted_before)
    with capture_logs() as logs:
        runner.run_task(task.pk, 1)
    told = [(line["event"], line["log_level"]) for line in logs]
    assert told == [("task_moved", "info"), ("step_taken_away", "info")]
    assert not any(table.objects.exists() for table in (Document, Task, Extraction, Draft))
