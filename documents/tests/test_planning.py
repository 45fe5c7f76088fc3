"""A plan tells what the upload then makes, keeps nothing, and asks nobody."""

from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from documents import planning
from documents.extraction.sandbox.client import sandbox
from documents.extraction.tokens import estimate_tokens
from documents.models import Chunk, Document
from documents.steps.embed import embedded_text
from documents.tests.pictures import scanned_pdf, written
from tasks.models import Task
from tasks.tests.factories import run_all

pytestmark = pytest.mark.django_db
TEXT = "\n\n".join(
    f"# Part {n}\n\nThe word{n} is here, with some others." for n in range(8)
).encode()


@pytest.fixture(autouse=True)
def kept_warm(by_hand, monkeypatch):
    monkeypatch.setattr(planning, "_rest", lambda: None)  # the sandbox is all tests'


def plan(api, content=TEXT, name="a.md", **options):
    return api.post("/api/documents/plan/", {"file": SimpleUploadedFile(name, content), **options})


def upload(api, content=TEXT, name="a.md"):
    answer = api.post("/api/documents/", {"file": SimpleUploadedFile(name, content)})
    document_id = answer.json()["id"]
    run_all(Task.objects.get(document_id=document_id))
    return document_id


def test_it_tells_what_the_upload_then_makes(api, embedder):
    found = plan(api).json()
    assert not Document.objects.exists()
    assert embedder.requests == 0
    document_id = upload(api)
    chunks = Chunk.objects.filter(document=document_id)
    tokens = sum(estimate_tokens(embedded_text(c.context, c.text)) for c in chunks)
    assert found == {
        "name": "a.md", "content_type": "text/markdown", "size": len(TEXT), "pages": None,
        "ocr_pages": 0, "chunks": chunks.count(), "tokens": tokens, "known_chunks": 0,
        "tokens_to_pay": tokens, "cost": None, "seconds": None, "document": None, "warnings": [],
    }  # fmt: skip


def test_what_is_known_is_not_to_be_paid_and_the_same_bytes_are_told(api):
    document_id = upload(api)
    again = plan(api).json()
    assert (again["document"], again["known_chunks"]) == (document_id, again["chunks"])
    assert (again["tokens_to_pay"], again["seconds"]) == (0, 0)
    longer = plan(api, TEXT + b"\n\n# More\n\nOf another kind.").json()
    assert longer["document"] is None
    assert longer["chunks"] - longer["known_chunks"] == 1
    assert 0 < longer["tokens_to_pay"] < longer["tokens"]
    assert longer["seconds"] >= 0


def test_anothers_document_is_not_told(api, other_user):
    document_id = upload(api)
    Document.objects.filter(pk=document_id).update(owner=other_user)
    assert plan(api).json()["document"] is None


def test_the_cost_is_at_the_configured_price(api, settings):
    settings.EMBEDDING_PRICE_PER_MILLION_TOKENS = Decimal("0.5")
    found = plan(api).json()
    assert found["cost"]["currency"] == "USD"
    exact = Decimal("0.0000005") * found["tokens"]
    assert abs(Decimal(found["cost"]["amount"]) - exact) <= Decimal("0.0000005")


def test_other_splitting_makes_other_chunks(api):
    long = ("One sentence of some words stands here. " * 200).encode()
    few, many = (plan(api, long, "a.txt", chunk_size=size).json() for size in (256, 64))
    assert many["chunks"] > 2 * few["chunks"]
    assert plan(api, chunk_size=64, chunk_overlap=64).status_code == 400


def test_a_picture_is_for_ocr_and_estimated(api):
    image = BytesIO()
    written([(20, 20, "Hello there")]).save(image, "PNG")
    found = plan(api, image.getvalue(), "a.png").json()
    assert (found["pages"], found["ocr_pages"], found["chunks"]) == (1, 1, 2)
    assert found["tokens"] == planning.SCANNED_PAGE_TOKENS


def test_scanned_pages_make_more_chunks_when_they_are_smaller(api):
    image = BytesIO()
    written([(20, 20, "Hello there")]).save(image, "PNG")
    found = plan(api, image.getvalue(), "a.png", chunk_size=50, chunk_overlap=0).json()
    assert found["chunks"] == 10


def test_scanned_pages_of_a_pdf_are_counted_beside_the_others(api, tmp_path):
    path = tmp_path / "mixed.pdf"
    scanned_pdf(path, ["A page of text.", written([(20, 20, "One")]), written([(9, 9, "Two")])])
    found = plan(api, path.read_bytes(), "mixed.pdf").json()
    assert (found["pages"], found["ocr_pages"]) == (3, 2)
    assert found["tokens"] > 2 * planning.SCANNED_PAGE_TOKENS
    assert found["warnings"] == ["2 of 3 pages have no text"]


@pytest.mark.parametrize(
    ("content", "name", "status", "code"),
    [
        (b"", "a.txt", 400, "empty_file"),
        (b"\x7fELF" + bytes(100), "a.bin", 415, "unsupported_type"),
        (b"%PDF-1.7\nnothing of the kind", "a.pdf", 422, "corrupt_file"),
        (b"...\n---", "a.txt", 422, "no_text"),
    ],
)
def test_what_can_not_be_processed_is_told_as_by_the_pipeline(api, content, name, status, code):
    answer = plan(api, content, name)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_only_one_plan_is_made_at_a_time(api, monkeypatch):
    with planning._turn:
        answer = plan(api)
    assert (answer.status_code, answer.json()["code"]) == (503, "planner_busy")
    assert answer["Retry-After"]


def test_nothing_of_the_file_is_left(api, settings):
    plan(api)
    assert [path for path in Path(settings.MEDIA_ROOT).rglob("*/*") if path.is_file()] == []


def test_an_idle_planner_ends_the_readers_process(monkeypatch):
    monkeypatch.undo()
    sandbox().start()
    process = sandbox()._process
    planning._rest()
    assert process.poll() is not None
