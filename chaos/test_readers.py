"""F56-F58: what a file, its reader or a library can do to the process that works on it."""

import pytest

from chaos.orders import raising
from chaos.probes import readers
from chaos.stack import text
from notebook.tests.live import until

EXTRACTION = "TEXT_EXTRACTION"
MAX_LOSSES = 3


@pytest.fixture
def worker(stack):
    """The worker's main process, which must stay the same, with a full pool."""
    pid, pool = stack.pid("worker"), len(stack.worker_children())
    yield pid
    assert stack.pid("worker") == pid
    until(lambda: len(stack.worker_children()), lambda found: found == pool)


def do(stack, client, deed):
    """Upload a file that makes its reader do this; returns the document at its end."""
    document = stack.upload(client, f"{deed}.txt", text(say=f"DEED {deed}"))
    return stack.until_done(client, document["id"])


def assert_only_it_failed(stack, client, failed, code):
    """It failed at once with its code and left no process; a good file becomes AVAILABLE."""
    row = stack.detail(failed["task"]["id"], EXTRACTION)
    assert (failed["status"], failed["error_code"]) == ("FAILED", code)
    assert (row["status"], row["failures"], row["losses"]) == ("FAILED", 0, 0)
    until(lambda: readers(stack), lambda left: not left, seconds=5)
    good = stack.upload(client, "good.txt", text())
    assert stack.until_done(client, good["id"])["status"] == "AVAILABLE"


@pytest.mark.fault("F56", bound=40)
@pytest.mark.parametrize("deed", ["fill_memory", "fill_memory_in_c"])
def test_a_reader_out_of_memory_fails_its_file_alone(stack, client, clock, worker, deed):
    """A file whose reader allocates beyond its limit: the file FAILED, the worker unharmed."""
    with clock:
        failed = do(stack, client, deed)
        assert_only_it_failed(stack, client, failed, "reader_out_of_memory")


@pytest.mark.fault("F57", bound=60)
@pytest.mark.parametrize("step", ["FILE_UPLOAD", "TEXT_SPLITTING", "VECTOR_STORAGE"])
@pytest.mark.parametrize(
    ("raised", "code"),
    [
        ("MemoryError", "out_of_memory"),
        ("RecursionError", "internal_error"),
        ("SystemExit", "worker_lost"),
        ("KeyboardInterrupt", "worker_lost"),
    ],
)
def test_whatever_a_step_raises_ends_its_task_alone(
    stack, client, clock, worker, step, raised, code
):
    """A step raises an exception that ends processes: its task FAILED with a code, the worker
    lives."""
    with clock:
        with raising(stack, step, "before_work", raised):
            document = stack.upload(client, f"{raised}.txt", text())
            failed = stack.until_done(client, document["id"])
        row = stack.detail(failed["task"]["id"], step)
        assert (failed["status"], failed["error_code"], row["status"]) == ("FAILED", code, "FAILED")
        assert row["losses"] <= MAX_LOSSES
        client.post(f"/api/tasks/{failed['task']['id']}/retry/").raise_for_status()
        assert stack.until_done(client, document["id"])["status"] == "AVAILABLE"


@pytest.mark.fault("F58", bound=40)
@pytest.mark.parametrize("deed", ["segfault", "abort", "fork_and_die"])
def test_a_reader_that_dies_fails_its_file_alone(stack, client, clock, worker, deed):
    """A file whose reader dies, or dies of 128 processes: FAILED, and all of them are gone."""
    with clock:
        failed = do(stack, client, deed)
        assert_only_it_failed(stack, client, failed, "reader_crashed")


@pytest.mark.fault("F58", bound=60)
def test_a_reader_that_never_ends_is_killed_with_all_it_has_started(stack, clock):
    """A reader that loops in C, or hangs with 128 processes: killed at its time limit."""
    with stack.changed(READER_TIMEOUT_SECONDS="4"), stack.client() as client:
        pid = stack.pid("worker")
        with clock:
            for deed in ("loop_in_c", "fork_and_stay"):
                failed = do(stack, client, deed)
                assert_only_it_failed(stack, client, failed, "reader_timeout")
        assert stack.pid("worker") == pid
