"""Parts of the stack that differ from the product's, each enabled by an environment variable."""

import os
import random
import sys
from dataclasses import replace
from pathlib import Path

from celery.signals import celeryd_after_setup
from django.apps import AppConfig

from tasks import pipelines
from tasks.layer import GroupLayer

LACKS = os.environ.get("CHAOS_WORKER_LACKS")  # the Celery task that an older worker lacks
SKEW = os.environ.get("CHAOS_WORKER_SKEW")  # offset of the workers' clocks: "+600s"
LOSSY = os.environ.get("CHAOS_LOSSY_LAYER")  # the seed for the channel layer's faults


class Variants(AppConfig):
    name = "chaos.variants"

    def ready(self):
        skew_if_worker()
        if LACKS:
            celeryd_after_setup.connect(_forget, weak=False)


def _forget(instance, **_):
    instance.app.tasks.unregister(LACKS)
    for pipeline in pipelines.every():
        steps = tuple(step for step in pipeline.steps if step.celery_name != LACKS)
        pipelines.register(replace(pipeline, steps=steps))


def skew_if_worker():
    """Re-execute the process under libfaketime."""
    if SKEW and "worker" in sys.argv and "FAKETIME" not in os.environ:
        fake = {"FAKETIME": SKEW, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        library = {"LD_PRELOAD": str(faketime())}
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **fake, **library})


def faketime():
    """The path of libfaketime; None if it is not installed (apt-get install libfaketime)."""
    return next(Path("/usr/lib").glob("**/faketime/libfaketimeMT.so.1"), None)


class LossyLayer(GroupLayer):
    """Drops 30 % of the messages, sends 20 % twice, and reorders all."""

    _held = []
    _random = random.Random(LOSSY)

    async def group_send(self, group, message):
        if self._random.random() < 0.3:
            return
        self._held += [(group, message)] * (2 if self._random.random() < 0.2 else 1)
        while len(self._held) > 4:  # messages still held at the end are lost, too
            chosen = self._held.pop(self._random.randrange(len(self._held)))
            await self._get_layer().group_send(*chosen)
