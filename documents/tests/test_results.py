import json
from dataclasses import replace

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from documents.checks import addresses_can_be_reached, limits_agree, times_agree
from documents.exceptions import ReaderCrashed, ReaderTimeout, TooManyParts
from documents.extraction.elements import Element, Extracted
from documents.extraction.sandbox.client import sandbox
from documents.extraction.sandbox.results import Gathered, told_passages, told_reading
from documents.models import Chunk, Extraction
from documents.steps.split import split_text
from documents.tests.files import LIMITS
from documents.tests.reading import extract
from tasks.models import Task
from tasks.tests.factories import run_all, send_nothing

TEXT = "One.\n\nTwo."
EXTRACTED = Extracted(
    TEXT, (Element("text", 0, 4, 1), Element("text", 6, 10, 2)), 2, "en", {"a": 1}
)


def gathered(messages, **limits):
    made, result = Gathered(replace(LIMITS, **limits)), {}
    for message in map(json.loads, map(json.dumps, messages)):
        if "result" in message:
            result = message["result"]
        else:
            made.take(message)
    return made, result


def test_a_reading_arrives_as_it_was_told():
    made, result = gathered(told_reading(EXTRACTED))
    assert made.extracted(result) == EXTRACTED


def test_passages_arrive_as_they_were_told():
    passages = split_text(EXTRACTED, size=64, overlap=0)
    made, _ = gathered(told_passages(passages))
    assert made.passages == passages


@pytest.mark.parametrize("limits", [{"max_chars": 9}, {"max_elements": 1}])
def test_a_child_that_says_more_than_it_may_is_not_believed(limits):
    with pytest.raises(ReaderCrashed):
        gathered(told_reading(EXTRACTED), **limits)


def written(path, extracted):
    elements = [(e.kind, e.start, e.end, e.page, e.level, e.header) for e in extracted.elements]
    path.write_text(json.dumps(elements) + "\n" + extracted.text)
    return path


def test_texts_are_split_in_the_sandbox(tmp_path):
    passages = sandbox().split(
        written(tmp_path / "a", EXTRACTED), options={"size": 64, "overlap": 0}, limits=LIMITS
    )
    assert passages == split_text(EXTRACTED, size=64, overlap=0)


def test_a_split_that_takes_too_long_ends(tmp_path):
    text = "1" * 2_000_000
    path = written(tmp_path / "a", Extracted(text, (Element("text", 0, len(text)),)))
    with pytest.raises(ReaderTimeout):
        sandbox().split(
            path, options={"size": 8, "overlap": 0}, limits=replace(LIMITS, seconds=0.01)
        )


def test_a_document_of_very_many_parts_is_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a\n\n" * 11)
    with pytest.raises(TooManyParts, match="more than 10 paragraphs"):
        extract(path, limits=replace(LIMITS, max_elements=10))


@pytest.mark.django_db
def test_signs_that_copy_knows_are_kept(api, monkeypatch, settings, tmp_path, embedder):
    send_nothing(monkeypatch)
    settings.MEDIA_ROOT = tmp_path
    settings.TASK_HEARTBEAT_SECONDS = 3600
    text = "A\\tb \\. and \\N 😀\n\n    a\tb \\\\\n\n\\."
    upload = SimpleUploadedFile("a.md", f"Begin\n\n```\n{text}\n```\n".encode())
    document_id = api.post("/api/documents/", {"file": upload}).json()["id"]
    run_all(Task.objects.get(document_id=document_id))
    kept = Extraction.objects.get(document_id=document_id)
    assert kept.text == f"Begin\n\n{text}"
    assert [kept.text[start:end] for _, start, end, *_ in kept.elements] == ["Begin", text]
    (chunk,) = Chunk.objects.filter(document_id=document_id)
    assert chunk.text == kept.text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"MAX_PAGES": 0}, ["notebook.E030"]),
        ({"EMBEDDING_BATCH_SIZE": 0}, ["notebook.E030"]),
        ({"SWEEP_SECONDS": -1.0}, ["notebook.E030"]),
        ({"EMBEDDING_TIMEOUT_SECONDS": 0.0}, ["notebook.E030"]),
        ({"EMBEDDING_BREAKER_FAILURES": 0, "SOCKETS_PER_USER": 0}, ["notebook.E030"] * 2),
        ({"EMBEDDING_BREAKER_SECONDS": -1.0}, ["notebook.E030"]),
        ({"SWEEP_SECONDS": 1e308}, ["notebook.E035"]),
        ({"EMBEDDING_DAILY_TOKENS": 10**20}, ["notebook.E035"]),
        ({"EMBEDDING_CACHE_DAYS": 100_001}, ["notebook.E035"]),
        ({"CHUNK_SIZE": 8001, "TASK_LEASE_SECONDS": 100_001}, ["notebook.E035"] * 2),
        ({"REPUBLISH_SECONDS": 0.0}, ["notebook.E030"]),
        ({"TASK_HEARTBEAT_SECONDS": 0.0}, ["notebook.E030"]),
        ({"READER_MEMORY_MB": 100, "MAX_INFLATED_MB": 100, "MAX_TEXT_CHARS": 1}, ["notebook.E031"]),
        ({"MAX_INFLATED_MB": 99}, ["notebook.E032"]),
        ({"MAX_INFLATED_MB": 4000}, ["notebook.E033"]),
        ({"MAX_TEXT_CHARS": 100_000_000}, ["notebook.E034"]),
    ],
)
def test_limits_that_make_no_sense_together_are_told(settings, changes, expected):
    for name, value in changes.items():
        setattr(settings, name, value)
    assert [problem.id for problem in limits_agree(None)] == expected


@pytest.mark.parametrize(
    "name",
    ["EMBEDDING_REQUESTS_PER_MINUTE", "EMBEDDING_TOKENS_PER_MINUTE", "OCR_MAX_PAGES"],
)
def test_an_amount_under_nothing_is_told_by_its_name(settings, name):
    setattr(settings, name, 0)
    assert list(times_agree(None)) == []
    setattr(settings, name, -1)
    (problem,) = times_agree(None)
    assert (problem.msg, problem.id) == (f"{name} must not be under 0.", "notebook.E021")


@pytest.mark.parametrize(
    ("name", "address", "is_one"),
    [
        ("EMBEDDING_BASE_URL", "https://api.example/v1", True),
        ("EMBEDDING_BASE_URL", "http://[::1]:8080/v1", True),
        ("EMBEDDING_BASE_URL", "api.example/v1", False),
        ("EMBEDDING_BASE_URL", "http://localhost:port/v1", False),
        ("CHAT_BASE_URL", "", True),
        ("CHAT_BASE_URL", "localhost:11434/v1", False),
        ("REDIS_URL", "redis://:p@ss@localhost:6379/0", True),
        ("REDIS_URL", "rediss://localhost", True),
        ("REDIS_URL", "localhost:6379", False),
        ("REDIS_URL", "redis://localhost:x/0", False),
        ("REDIS_URL", "http://localhost:6379", False),
    ],
)
def test_an_address_that_leads_nowhere_is_told_by_its_name(settings, name, address, is_one):
    setattr(settings, name, address)
    told = [problem.msg for problem in addresses_can_be_reached(None)]
    assert [each.startswith(f"{name} must begin with") for each in told] == [True] * (not is_one)


@pytest.mark.parametrize(("database", "is_one"), [("", 1), ("/", 1), ("/1", 1), ("/zero", 0)])
def test_a_valkey_without_such_a_database_is_told(settings, database, is_one):
    settings.REDIS_URL = f"redis://localhost:6379{database}"
    told = [problem.id for problem in addresses_can_be_reached(None)]
    assert told == ["notebook.E027"] * (not is_one)


@pytest.mark.parametrize(("seconds", "expected"), [(2, []), (0, ["E011"]), (900, ["E011"])])
def test_a_turn_that_is_no_time_or_too_long_is_told(settings, seconds, expected):
    settings.TASK_SLICE_SECONDS = seconds
    assert [problem.id for problem in times_agree(None)] == [f"notebook.{e}" for e in expected]


@pytest.mark.parametrize(("size", "expected"), [(0, []), (2, []), (1, ["E023"]), (-1, ["E023"])])
def test_a_pool_that_has_no_connection_for_heartbeats_is_told(settings, size, expected):
    settings.DATABASE_POOL_SIZE = size
    assert [problem.id for problem in times_agree(None)] == [f"notebook.{e}" for e in expected]


def test_a_log_level_that_there_is_not_is_told(settings):
    assert list(times_agree(None)) == []
    settings.LOG_LEVEL = "LOUD"
    assert [problem.id for problem in times_agree(None)] == ["notebook.E024"]
