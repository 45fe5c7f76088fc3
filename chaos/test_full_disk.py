"""F41: disks that are full."""

from contextlib import suppress

import pytest
import redis

from chaos import invariants
from chaos.stack import ChaosStack, text
from chaos.uploads import MB, send, stored
from documents.tests.disks import small_disk
from notebook.tests.live import until


def assert_storage_full(response):
    assert response.headers["Content-Type"] == "application/problem+json"
    assert (response.status_code, response.json()["code"]) == (507, "storage_full")


@pytest.mark.fault("F41", bound=30, errors=("storage_full", "Insufficient Storage", '"code": 507'))
def test_a_full_disk_of_files_refuses_uploads_and_nothing_else(stack, client, clock):
    """The files' disk is full: 507, nothing half-written; smaller files fit; the rest works."""
    old = stack.upload(client, "old.txt", text())
    stack.until_done(client, old["id"])
    with small_disk(stack.data_dir / "files", megabytes=12) as files, clock:
        (files / "incoming").mkdir()
        for size in (5, 8, 30):  # it fits as a form but not as a file; not as a form; nowhere
            assert_storage_full(send(stack, "large.txt", text() + b" " * (size * MB)))
            until(lambda: stored(stack), lambda found: not found)  # the form's, after the answer
        assert client.get("/api/documents/").status_code == 200
        assert client.get("/readyz").status_code == 200
        small = stack.upload(client, "small.txt", text())
        assert stack.until_done(client, small["id"])["status"] == "AVAILABLE"
        assert client.delete(f"/api/documents/{small['id']}/").status_code == 204
    assert client.get(f"/api/documents/{old['id']}/file/").status_code == 200


@pytest.fixture
def stack_on_a_small_disk(tmp_path, embedding_server):
    with small_disk(tmp_path / "disk", megabytes=400) as disk:
        stack = ChaosStack(disk, embedding_server)
        try:
            stack.start()
            yield stack
        finally:
            (disk / "ballast").unlink(missing_ok=True)
            stack.stop()
            embedding_server.reset()


def fill(disk):
    with suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
        while True:
            ballast.write(bytes(4096))


def waits_for_room(stack, document):
    """Whether a step has met the full disk, or the broker, without which none runs."""
    try:
        with stack.broker() as broker:
            broker.set("room", 1)
    except redis.ResponseError:
        return True
    step = stack.detail(document["task"]["id"], "EMBEDDING_GENERATION")
    return (step["status"], step["error_code"]) == ("PENDING", "storage_full")


@pytest.mark.fault("F41", bound=180)
def test_a_disk_that_is_full_for_all_ends_nothing_and_work_goes_on_with_room(
    stack_on_a_small_disk, clock
):
    """The shared disk of Postgres, Valkey and files is full: steps wait, then continue by
    themselves."""
    stack = stack_on_a_small_disk
    with stack.client() as client, clock:
        stack.embedder.seconds_per_request = 0.3
        document = stack.upload(client, "waiting.txt", text(400))
        stack.until_step(document["task"]["id"], "EMBEDDING_GENERATION", "RUNNING")
        fill(stack.data_dir)
        until(lambda: waits_for_room(stack, document), bool, seconds=60)
        assert_storage_full(send(stack, "more.txt", text() + b" " * MB))
        assert client.get("/api/documents/").status_code == 200
        assert stack.is_running
        (stack.data_dir / "ballast").unlink()
        until(lambda: send(stack, "more.txt", text()).status_code, lambda code: code == 201)
        stack.embedder.reset()
        done = stack.until_done(client, document["id"])
        assert (done["status"], done["task"]["error_code"]) == ("AVAILABLE", None)
        stack.heal()
        assert stack.detail(document["task"]["id"], "EMBEDDING_GENERATION")["failures"] == 0
    invariants.check(stack, allowed=("storage_full", "MISCONF", "No space left", "DiskFull"))
