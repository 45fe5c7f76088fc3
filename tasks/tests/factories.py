"""Tasks of a pipeline of three steps that do what a test tells them."""

from collections.abc import Callable

from tasks import pipelines, services
from tasks.models import Task
from tasks.pipelines import Pipeline, Step, StepResult, StepRun

Behaviour = Callable[[StepRun], StepResult]


class Script:
    """What the steps do, by type; what was settled."""

    def __init__(self) -> None:
        self.steps: dict[str, Behaviour] = {}
        self.runs: list[str] = []

    def run(self, step_type: str) -> Behaviour:
        def step(run: StepRun) -> StepResult:
            self.runs.append(step_type)
            return self.steps.get(step_type, lambda _run: StepResult())(run)

        return step


def register(script: Script) -> None:
    steps = tuple(
        Step(
            type=name,
            label=name.title(),
            celery_name=f"test_{name}",
            run=script.run(name),
            weight=w,
        )
        for name, w in (("ONE", 20), ("TWO", 60), ("THREE", 20))
    )
    pipelines.register(
        Pipeline(name="test", celery_name="test_start", steps=steps, settle=lambda *_: None)
    )


def make_task(owner) -> Task:
    return services.start(pipeline="test", owner_id=owner.pk, document_id=None, options={})


def run_all(task: Task) -> None:
    """Do what workers would do until nothing is due."""
    from tasks import runner
    from tasks.models import OutboxMessage

    while message := OutboxMessage.objects.filter(task=task, due_at__lte=services.Now()).first():
        if message.step_type:
            runner.run_step(task.pk, message.step_type, message.attempt)
        else:
            services.dispatch(task.pk, message.attempt)
    task.refresh_from_db()
