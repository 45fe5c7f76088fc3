"""What the steps of some tasks cost by themselves: a program of `bench.pipeline`.

Runs pending tasks in this process as a worker would, and counts the CPU time of the steps alone:
of this process, its sandbox and the Postgres process it is connected to, from the call of a step
until it returns, and while it saves its output. Other processes are read in hundredths of a second,
so take many tasks.
"""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import django
import psutil

from bench.peers.serving import serve

Result = TypeVar("Result")


def main() -> None:
    serve(_prepare)


def _prepare() -> Callable[[list[str]], float]:
    os.environ |= {"DJANGO_SETTINGS_MODULE": "notebook.settings", "LOG_LEVEL": "ERROR"}
    django.setup()
    from django.db import connection

    from documents.embeddings.client import warm_up
    from documents.extraction.sandbox.client import sandbox
    from tasks import pipelines, runner
    from tasks.models import Status, Task

    warm_up()
    sandbox().start()
    connection.ensure_connection()
    (readers,) = psutil.Process().children()
    meter = _Meter(readers, psutil.Process(connection.connection.info.backend_pid))
    for pipeline in pipelines.every():
        steps = (replace(step, run=partial(meter.step, step.run)) for step in pipeline.steps)
        pipelines.register(replace(pipeline, steps=tuple(steps)))

    def run(tasks: list[str]) -> float:
        meter.used = 0
        for task in tasks:
            runner.run_task(UUID(task), 1)
        if Task.objects.filter(pk__in=tasks).exclude(status=Status.COMPLETED).exists():
            raise RuntimeError("Not all tasks were completed.")
        return meter.used

    return run


class _Meter:
    """Adds up CPU seconds of this process and those."""

    def __init__(self, *others: psutil.Process) -> None:
        self.used = 0.0
        self._others = others

    def step(self, run: Callable[[Any], Any], step_run: Any) -> Any:
        result = self._counted(partial(run, step_run))
        return replace(result, save=partial(self._counted, result.save))

    def _counted(self, work: Callable[[], Result]) -> Result:
        before = self._now()
        try:
            return work()
        finally:
            self.used += self._now() - before

    def _now(self) -> float:
        others = sum(sum(other.cpu_times()[:4]) for other in self._others)
        return time.process_time() + others


if __name__ == "__main__":
    main()
