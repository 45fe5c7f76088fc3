"""What is looked at after every move of the state machine, and what must then hold."""

from itertools import pairwise

import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant

from tasks import events
from tasks.models import OutboxMessage, Task, TaskDetail
from tasks.tests.expected import LIVE, MAX_FAILURES, MAX_LOSSES, MOVES
from tasks.tests.factories import lose_messages

# The status that an event of a task's history leaves it in.
MEANS = {"CREATED": "PENDING", "STARTED": "RUNNING", "RETRIED": "PENDING"} | {
    status: status for status in ("COMPLETED", "FAILED", "CANCELLED")
}


class Watched(RuleBasedStateMachine):
    user = client = None  # set by the test

    def __init__(self):
        super().__init__()
        self.document = None
        self.tasks: dict = {}  # id -> Expected, in the order of their start
        self.stored: dict = {}  # id -> Task with its details and messages, as last read
        self.claims: list = []  # all ever made; most are zombies by now
        self.saved: list = []  # outputs that were committed
        self.gone: list = []  # ids of deleted tasks

    def teardown(self):
        self._delete()
        lose_messages()

    # -- helpers of the rules --------------------------------------------------------------------

    def _pick(self, which):
        ids = list(self.tasks)
        task_id = ids[-1 - min(which, len(ids) - 1)]
        return task_id, self.tasks[task_id]

    def _claim(self, which):
        """Some claim, the model of its task, and whether the claim is the owner's."""
        claim = self.claims[-1 - min(which, len(self.claims) - 1)]
        model = self.tasks.get(claim.task_id)
        mine = model is not None and model.owner == claim.owner and model.current == claim.step_type
        return claim, model, mine

    def _delete(self):
        if self.document is not None:
            answer = self.client.delete(f"/api/documents/{self.document.pk}/")
            assert answer.status_code == 204
        self.gone += self.tasks
        self.document, self.tasks, self.stored = None, {}, {}
        assert not TaskDetail.objects.filter(task__in=self.gone).exists()

    def _guarded(self, allowed, call, refusal):
        """Make the call. What the model forbids is refused, and changes nothing at all."""
        if allowed:
            return call()
        with pytest.raises(refusal):
            call()
        return self.unchanged()

    def unchanged(self):
        assert {key: plain(task) for key, task in self._read().items()} == {
            key: plain(task) for key, task in self.stored.items()
        }

    def _read(self):
        tasks = events.with_details(Task.objects.filter(pk__in=self.tasks))
        found = {task.pk: task for task in tasks}
        for task in found.values():
            task.messages = []
            task.events = list(task.history.all())
        for message in OutboxMessage.objects.filter(task__in=found):
            found[message.task_id].messages.append(message)
        return found

    # -- what must always hold -------------------------------------------------------------------

    @invariant()
    def all_promises(self):
        """One live task a document; every task as the model says; time goes forward."""
        assert sum(model.live for model in self.tasks.values()) <= 1
        found = self._read()
        assert set(found) == set(self.tasks)
        for task_id, task in found.items():
            check_task(task, self.tasks[task_id])
            assert events._push(task_id) == events.push_of(task)
            if task_id in self.stored:
                check_follows(events.snapshot(self.stored[task_id]), events.snapshot(task))
        self.stored = found


def plain(task):
    """Every stored value of the task, its details and messages."""
    every = [task, *task.task_details.all(), *task.messages, *task.events]
    return [{f.attname: getattr(row, f.attname) for f in row._meta.fields} for row in every]


def check_task(task, model):
    assert (task.status, task.attempt, task.progress, task.error_code) == (
        model.status, model.attempt, model.progress, model.code,
    )  # fmt: skip
    assert (task.completed_at is None) is model.live
    check_history(task)
    details = task.task_details.all()
    assert {each.step_type: each.status for each in details} == model.steps
    for detail in details:
        check_detail(detail, model)
    due = [(each.step_type, each.attempt) for each in task.messages]
    assert due == ([] if model.due is None else [(model.due, model.attempt)])
    # Never stuck, never doubled: somebody holds a lease, or one message waits.
    running = [each for each in details if each.status == "RUNNING"]
    assert len(running) + len(due) == model.live


def check_history(task):
    """It tells of every move, in their order, and of none that was not made."""
    told = [(event, MEANS[event.event]) for event in task.events if event.event in MEANS]
    statuses = [status for _, status in told]
    assert (told[0][0].event, statuses[-1]) == ("CREATED", task.status)
    assert set(pairwise(statuses)) <= MOVES
    attempts = [event.attempt for event in task.events]
    assert attempts == sorted(attempts)
    assert attempts[-1] == task.attempt == 1 + sum(e.event == "RETRIED" for e, _ in told)


def check_detail(detail, model):
    runs = detail.status == "RUNNING"
    assert (detail.owner is not None, detail.lease_expires_at is not None) == (runs, runs)
    assert (detail.completed_at is None) is (detail.status in LIVE)
    assert detail.losses < MAX_LOSSES
    assert detail.failures < MAX_FAILURES
    if detail.step_type == model.current:
        assert (detail.failures, detail.losses) == (model.failures, model.losses)
        assert model.owner in (None, detail.owner)


def check_follows(before, now):
    """What a client may see after `before`."""
    changed = {key for key in now if now[key] != before[key]}
    assert now["seq"] > before["seq"] if changed else now["seq"] == before["seq"]
    move = (before["status"], now["status"])
    assert move[0] == move[1] or move in MOVES
    retried = move[1] == "PENDING" and move[0] not in LIVE
    assert now["attempt"] == before["attempt"] + retried
    assert retried or now["progress"] >= before["progress"]
    assert retried or before["status"] in LIVE or not changed
