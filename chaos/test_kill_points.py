"""F01-F25, F68: a worker's child dies at every point of every step."""

import pytest

from chaos.kill_points import MID_PUBLISH, POINTS
from chaos.stack import text
from notebook.tests.live import until

STEPS = (
    "FILE_UPLOAD", "TEXT_EXTRACTION", "TEXT_SPLITTING", "EMBEDDING_GENERATION", "VECTOR_STORAGE",
)  # fmt: skip
BATCH = 8  # EMBEDDING_BATCH_SIZE of the stack
# What every push to CI checks: where work is paid for, and where it becomes visible.
OFTEN = {("EMBEDDING_GENERATION", "mid_work"), ("VECTOR_STORAGE", "before_commit")}


def rows():
    cases = [(step, point) for step in STEPS for point in POINTS]
    for number, (step, point) in enumerate(cases, start=1):
        marks = [pytest.mark.fault(f"F{number:02}", bound=60)]
        marks += [pytest.mark.representative] if (step, point) in OFTEN else []
        yield pytest.param(step, point, marks=marks, id=f"{step} {point}")


@pytest.mark.parametrize(("step", "point"), [*rows()])
def test_a_worker_killed_anywhere_costs_at_most_one_more_run_of_its_step(
    stack, client, clock, step, point
):
    """`kill -9` of a worker's child: the step's work is done once, the document AVAILABLE."""
    stack.arm(step, point)
    with clock:
        document = stack.upload(client, f"{step}.{point}.txt", text(40))
        until(lambda: stack.armed(step, point).exists(), lambda armed: not armed, seconds=30)
        done = stack.until_done(client, document["id"])
    assert done["status"] == "AVAILABLE", done
    task = stack.task(client, done)
    assert (task["status"], task["attempt"]) == ("COMPLETED", 1)
    committed = point in ("before_publish", "before_ack")
    losses = {row: stack.detail(task["id"], row)["losses"] for row in STEPS}
    assert losses == dict.fromkeys(STEPS, 0) | {step: 0 if committed else 1}
    assert_paid_once(stack, done)


def assert_paid_once(stack, document):
    """Each vector was requested once: those received before the kill had been saved."""
    assert document["chunk_count"] > 2 * BATCH
    assert len(stack.embedder.texts) == len(set(stack.embedder.texts)) == document["chunk_count"]


@pytest.mark.fault("F71", bound=60)
def test_a_message_that_only_counts_as_sent_is_sent_again(stack, client, clock):
    """`kill -9` between marking the next message as sent and sending it: it is sent later."""
    stack.arm("TEXT_SPLITTING", MID_PUBLISH)
    with clock:
        document = stack.upload(client, "unsent.txt", text(40))
        done = stack.until_done(client, document["id"])
    assert not stack.armed("TEXT_SPLITTING", MID_PUBLISH).exists()
    assert (done["status"], stack.task(client, done)["attempt"]) == ("AVAILABLE", 1)
    assert {stack.detail(done["task"]["id"], step)["losses"] for step in STEPS} == {0}
    assert_paid_once(stack, done)
