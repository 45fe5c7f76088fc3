"""No sequence of moves, in whatever order they arrive, breaks a promise of the pipeline.

Hypothesis plays people, workers, zombies, the sweeper and a broker that loses messages against real
Postgres and Valkey. After each move every row is compared with a model in plain Python.

The test is transactional: each service commits as in production, so that the sweeper, the API and
the broker's side see the same rows, and what runs on commit has run. Rolling back to a savepoint
would hide a move that forgot its transaction. Each example deletes its own rows when it ends.
"""

import uuid

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import IntegrityError
from django.db.models.functions import Now
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tasks import outbox, queue, runner, services, sweeper
from tasks.exceptions import Fenced, StepError, StepPaused, TransientStepError, WrongState
from tasks.models import OutboxMessage
from tasks.pipelines import StepResult
from tasks.tests.expected import MAX_FAILURES, MAX_LOSSES, STEPS, Expected
from tasks.tests.factories import (
    Script,
    let_leases_run_out,
    lose_messages,
    make_document,
    make_task,
    raising,
    register,
    send_nothing,
    waiting_in_broker,
)
from tasks.tests.watched import Watched

PROFILE = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,  # a busy machine is no error
    derandomize=True,  # the same examples everywhere
    database=None,
    phases=[Phase.generate],  # shrinking would outlast the test's time limit
    suppress_health_check=list(HealthCheck),
)
WHICH = st.sampled_from([0, 0, 0, 0, 1, 2])  # mostly the latest task
SHIFT = st.sampled_from([0, 0, 0, 0, -1, 1])  # messages of older attempts, and of ones to come
# How a step may end, and what the model says to it.
OUTCOMES = {
    "done": (None, Expected.complete),
    "permanent": (StepError("Odd."), lambda model: model.fail("internal_error")),
    "transient": (TransientStepError(), lambda m: m.stumble("temporarily_unavailable")),
    "paused": (StepPaused(60), lambda model: model.postpone(later=True)),
    "turn used up": (StepPaused(), lambda model: model.postpone(later=False)),
    "too slow": (SoftTimeLimitExceeded(), lambda model: model.lose("step_timeout")),
}


def a_message():
    return {"worker": "w", "message_id": uuid.uuid4()}


class Pipeline(Watched):
    script = settings = None  # set by the test

    # -- people ----------------------------------------------------------------------------------

    @initialize()
    def upload(self):
        self.document = make_document(self.user)
        self._start()

    @precondition(lambda self: self.document is None)
    @rule()
    def upload_again(self):
        self.upload()

    @precondition(lambda self: self.document is not None)
    @rule()
    def reprocess(self):
        busy = any(model.live for model in self.tasks.values())
        self._guarded(not busy, self._start, IntegrityError)

    def _start(self):
        task = make_task(self.user, self.document)
        self.tasks[task.pk] = Expected()

    @precondition(lambda self: self.tasks)
    @rule(which=WHICH)
    def cancel(self, which):
        task_id, model = self._pick(which)
        self._guarded(model.cancel(), lambda: services.cancel(task_id), WrongState)

    @precondition(lambda self: self.tasks)
    @rule(which=WHICH)
    def retry(self, which):
        task_id, model = self._pick(which)
        latest = task_id == list(self.tasks)[-1]
        self._guarded(latest and model.retry(), lambda: services.retry(task_id), WrongState)

    @precondition(lambda self: self.document is not None)
    @rule(sure=st.integers(0, 9))
    def delete(self, sure):
        if sure == 0:  # rarely, or no example gets far
            self._delete()

    # -- workers ---------------------------------------------------------------------------------

    @precondition(lambda self: self.tasks)
    @rule(which=WHICH, shift=SHIFT)
    def dispatch(self, which, shift):
        task_id, model = self._pick(which)
        attempt = max(0, model.attempt + shift)
        call = lambda: services.dispatch(task_id, attempt, **a_message())  # noqa: E731
        self._claimed(model, self._guarded(model.dispatch(attempt), call, Fenced))

    @precondition(lambda self: self.gone)
    @rule()
    def message_of_a_deleted_task(self):
        with pytest.raises(Fenced):
            services.dispatch(self.gone[-1], 1, worker="w")
        with pytest.raises(Fenced):
            services.claim(self.gone[-1], "ONE", 1, worker="w")
        self.unchanged()

    @precondition(lambda self: self.tasks)
    @rule(which=WHICH, shift=SHIFT, step=st.sampled_from([None, None, None, None, *STEPS]))
    def claim(self, which, shift, step):
        task_id, model = self._pick(which)
        step, attempt = step or model.current or "THREE", max(0, model.attempt + shift)
        call = lambda: services.claim(task_id, step, attempt, **a_message())  # noqa: E731
        self._claimed(model, self._guarded(model.may_claim(step, attempt), call, Fenced))

    def _claimed(self, model, found):
        if found is not None:
            model.claimed(found.owner)
            self.claims.append(found)

    @precondition(lambda self: self.tasks)
    @rule(which=WHICH, outcome=st.sampled_from([*OUTCOMES]), turn=st.sampled_from([0, 600]))
    def work(self, which, outcome, turn):
        """A worker takes the task's message up and runs the step to whatever end; in a turn that
        lasts, those after it too."""
        task_id, model = self._pick(which)
        step = model.current or "THREE"
        error, told = OUTCOMES[outcome]
        self.script.steps = {step: raising(error)} if error else {}
        mine = model.may_claim(step, model.attempt)
        self.settings.TASK_SLICE_SECONDS = turn
        runner.run_step(task_id, step, model.attempt)
        if not mine:
            return self.unchanged()
        model.claimed(None)
        told(model)
        while turn and not error and model.due:
            model.claimed(None)
            model.complete()
        return None

    @precondition(lambda self: self.claims)
    @rule(which=WHICH)
    def heartbeat(self, which):
        claim, model, mine = self._claim(which)
        assert services.heartbeat(claim) is mine
        if mine:
            model.expired = False
        else:
            self.unchanged()

    @precondition(lambda self: self.claims)
    @rule(which=WHICH, percent=st.integers(0, 99))
    def report(self, which, percent):
        def told(model):
            model.percent = max(model.percent, percent)

        self._write(which, services.report, told, percent, {"at": percent})

    @precondition(lambda self: self.claims)
    @rule(which=WHICH, go_on=st.booleans())
    def complete(self, which, go_on):
        output = object()
        result = StepResult(details={"made": 1}, save=lambda: self.saved.append(output))
        claim, model, mine = self._claim(which)
        call = lambda: services.complete(claim, result, go_on=go_on)  # noqa: E731
        found = self._guarded(mine, call, Fenced)
        assert (output in self.saved) is mine
        if mine:
            model.complete()
            self._claimed(model, found)

    @precondition(lambda self: self.claims)
    @rule(which=WHICH)
    def fail(self, which):
        self._write(which, services.fail, lambda m: m.fail("internal_error"), StepError("Odd."))

    @precondition(lambda self: self.claims)
    @rule(which=WHICH, seconds=st.sampled_from([0, 60]))
    def postpone(self, which, seconds):
        told = lambda model: model.postpone(later=seconds > 0)  # noqa: E731
        self._write(which, services.postpone, told, seconds=seconds, reason="Rate limit.")

    def _write(self, which, service, told, *args, **values):
        """Write as the worker of some claim; whether it was the owner's."""
        claim, model, mine = self._claim(which)
        self._guarded(mine, lambda: service(claim, *args, **values), Fenced)
        if mine:
            told(model)
        return mine

    # -- accidents, and who mends them -----------------------------------------------------------

    @precondition(lambda self: self.tasks)
    @rule(which=WHICH)
    def lease_runs_out(self, which):
        task_id, model = self._pick(which)
        let_leases_run_out(task=task_id)
        model.expired = model.owner is not None

    @precondition(lambda self: self.claims)
    @rule(which=WHICH)
    def celery_says_the_worker_died(self, which):
        """At this step, at a later one of its turn, or after another worker went on."""
        claim, model, _ = self._claim(which)
        services.give_up_on_worker(claim.message_id)
        if model is not None and model.owner == claim.owner:
            model.expired = True
        else:
            self.unchanged()

    @rule()
    def take_over(self):
        lost = [model for model in self.tasks.values() if model.expired]
        assert sweeper.take_over_lost_steps() == len(lost)
        for model in lost:
            model.lose("worker_lost")

    @precondition(lambda self: self.tasks)
    @rule(which=WHICH)
    def wake(self, which):
        task_id, _ = self._pick(which)
        assert services.wake(task_id) is False
        self.unchanged()

    @rule()
    def a_hand_deletes_messages(self):
        deleted, _ = OutboxMessage.objects.all().delete()
        assert sweeper.wake_stranded_tasks() == deleted
        for model in self.tasks.values():
            model.later = False
        self.stored = {}  # a hand gives no new seq

    @rule(problem=st.sampled_from(["", "no_worker"]))
    def tell_who_waits(self, problem):
        queue.rank(problem)

    @rule()
    def time_passes(self):
        OutboxMessage.objects.update(due_at=Now())
        for model in self.tasks.values():
            model.later = False

    @rule()
    def publish(self):
        due = OutboxMessage.objects.filter(sent_at=None, due_at__lte=Now()).count()
        before = waiting_in_broker()
        assert outbox.publish_due() == due
        assert waiting_in_broker() == before + due

    @rule()
    def the_broker_loses_its_memory(self):
        lose_messages()
        sent = OutboxMessage.objects.filter(sent_at__isnull=False, due_at__lte=Now()).count()
        assert outbox.republish_lost(after=0) == sent


@pytest.mark.timeout(600)  # half a minute on a machine that has nothing else to do
@pytest.mark.django_db(transaction=True)
def test_no_sequence_of_moves_breaks_a_promise(user, client, monkeypatch, settings):
    settings.TASK_HEARTBEAT_SECONDS = 3600  # leases end when a rule says so
    settings.TASK_MAX_FAILURES, settings.TASK_MAX_LOSSES = MAX_FAILURES, MAX_LOSSES
    send_nothing(monkeypatch)
    client.force_login(user)
    script = Script()
    register(script)
    lose_messages()
    machine = type(
        "Game",
        (Pipeline,),
        {"user": user, "client": client, "script": script, "settings": settings},
    )
    run_state_machine_as_test(machine, settings=PROFILE)
