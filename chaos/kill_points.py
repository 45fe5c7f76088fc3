"""Named places in a worker where a process dies. Installed only by `chaos.settings`.

A point is armed by a file `<data_dir>/armed/<STEP_TYPE>.<point>`. The process that removes the file
is the one that strikes, so it happens exactly once. The file's content names the victim: empty for
the worker's own child, `freeze` to stop that until a SIGCONT, otherwise a process of the stack
(`postgres`), which is killed with all of its children while the worker's child continues.
"""

import functools
import os
import signal

import psutil
from django.apps import AppConfig
from django.conf import settings
from django.db import transaction

POINTS = ("before_work", "mid_work", "before_commit", "before_publish", "before_ack")
MID_PUBLISH = "mid_publish"  # the next step's message counts as sent, but is not
OWN_END = {"": signal.SIGKILL, "freeze": signal.SIGSTOP}
_now = {"running": "", "committed": ""}  # step types: the running one, the one just completed


class KillPoints(AppConfig):
    name = "chaos.kill_points"

    def ready(self):
        from documents import pipeline
        from documents.extraction.sandbox import client as sandbox
        from documents.steps import embed, store, validate
        from tasks import outbox, runner, services

        for step in pipeline.DOCUMENT.steps:
            object.__setattr__(step, "run", _at_its_start(step.type, step.run))
        _strike_before(validate, "_check_container", "FILE_UPLOAD")  # only its type is known
        _strike_after(sandbox, "_follow", "TEXT_EXTRACTION")  # the sandbox has given its answer
        _strike_after(pipeline, "passages_of", "TEXT_SPLITTING")  # nothing is saved yet
        _strike_after(embed, "_keep", "EMBEDDING_GENERATION")  # one batch is paid for and saved
        _strike_before(store, "_insert", "VECTOR_STORAGE")  # the old chunks are gone
        outbox._send = _before_it_is_sent(outbox._send)
        services.complete = _around_the_commit(services.complete)
        runner._take_turn = _before_the_acknowledgement(runner._take_turn)
        sandbox.Sandbox.__init__.__defaults__ = ("chaos.readers",)
        _shorten_visibility()


def strike_if_armed(step_type, point):
    """Do what this point's file says, if there is one."""
    armed = settings.ARMED_DIR / f"{step_type}.{point}"
    try:
        victim = armed.read_text().strip()
        armed.unlink()
    except FileNotFoundError:  # not armed, or another process was first
        return
    if victim in OWN_END:
        os.kill(os.getpid(), OWN_END[victim])
        return  # a SIGCONT has come
    _kill_family(int((settings.DATA_DIR / "run" / f"{victim}.pid").read_text().split()[0]))


def _kill_family(pid):
    process = psutil.Process(pid)
    for each in (process, *process.children(recursive=True)):
        try:
            each.kill()
        except psutil.NoSuchProcess:
            continue


def _at_its_start(step_type, run):
    @functools.wraps(run)
    def wrapped(step_run):
        _now["running"] = step_type
        strike_if_armed(step_type, "before_work")
        return run(step_run)

    return wrapped


def _strike_before(module, name, step_type):
    original = getattr(module, name)

    @functools.wraps(original)
    def wrapped(*args, **values):
        if _now["running"] == step_type:
            strike_if_armed(step_type, "mid_work")
        return original(*args, **values)

    setattr(module, name, wrapped)


def _strike_after(module, name, step_type):
    original = getattr(module, name)

    @functools.wraps(original)
    def wrapped(*args, **values):
        result = original(*args, **values)
        if _now["running"] == step_type:
            strike_if_armed(step_type, "mid_work")
        return result

    setattr(module, name, wrapped)


def _before_it_is_sent(send):
    @functools.wraps(send)
    def wrapped(message):
        strike_if_armed(_now["running"], MID_PUBLISH)
        send(message)

    return wrapped


def _around_the_commit(complete):
    @functools.wraps(complete)
    def wrapped(detail, result, *, go_on):
        # The turn ends together with its step, or nothing would be sent.
        go_on = go_on and not any(settings.ARMED_DIR.glob(f"{detail.step_type}.*"))
        with transaction.atomic():
            # The first to run after the commit, before anything is published.
            transaction.on_commit(lambda: strike_if_armed(detail.step_type, "before_publish"))
            following = complete(detail, result, go_on=go_on)
            strike_if_armed(detail.step_type, "before_commit")
        _now["committed"] = detail.step_type
        return following

    return wrapped


def _before_the_acknowledgement(take_turn):
    @functools.wraps(take_turn)
    def wrapped(*args, **values):
        _now["committed"] = ""
        take_turn(*args, **values)
        if _now["committed"]:
            strike_if_armed(_now["committed"], "before_ack")

    return wrapped


def _shorten_visibility():
    if not settings.CHAOS_VISIBILITY_SECONDS:
        return
    from notebook.celery import app

    app.conf.broker_transport_options |= {
        "visibility_timeout": float(settings.CHAOS_VISIBILITY_SECONDS),
        "unacked_restore_interval": 1,
    }
