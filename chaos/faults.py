"""Random faults at random moments; `rng` chooses which and for how long."""

import threading
from contextlib import suppress

import psutil
import redis

from chaos.probes import answers
from chaos.stack import PROCESSES, SLOTS
from documents.tests.embedding_server import error

READER = "documents.extraction.sandbox.server"
VICTIMS = (*PROCESSES, "worker's child", "reader")
BATCH = 8  # EMBEDDING_BATCH_SIZE of the stack
LOSSES_OF_A_FAULT = SLOTS * BATCH  # vectors that may be in flight when it strikes


def kill_one(stack, victim, rng):
    """SIGKILL one process; False if there is none at this moment."""
    try:
        if victim in PROCESSES:
            stack.kill(victim)
            return True
        found = stack.worker_children() if victim == "worker's child" else _readers(stack)
        if found:
            stack.family()  # so that none of its descendants is overlooked
            rng.choice(sorted(found, key=lambda each: each.pid)).kill()
        return bool(found)
    except (OSError, ValueError, IndexError, psutil.Error):  # it is not there at the moment
        return False


def _readers(stack):
    """The warm processes that fork for each file; killing such a fork looks like the file's
    fault."""
    return [
        each
        for child in stack.worker_children()
        for each in child.children()
        if READER in each.cmdline()
    ]


class Faults:
    """One fault after another, each announced as it begins. Every one ends by itself.

    A killed process is not hit again until it is back, or a slow machine would never get to work.
    """

    def __init__(self, stack, rng, *, stopped):
        self._stack, self._rng, self._stopped = stack, rng, stopped
        self._killed = set()

    def strike(self):
        """One random fault, until it has ended; its name, or None if none was possible."""
        kinds = [self._kill] * 8 + [self._freeze] * 2 + [self._flush] + [self._misbehave] * 4
        return self._rng.choice(kinds)()

    def _kill(self):
        victim = self._rng.choice(VICTIMS)
        if victim in self._killed and not self._is_back(victim):
            return None
        self._killed.discard(victim)
        if not kill_one(self._stack, victim, self._rng):
            return None
        self._killed |= {victim} & {*PROCESSES}
        return f"kill {victim}"

    def _is_back(self, victim):
        try:
            return answers(self._stack, victim)
        except (ValueError, IndexError):  # its record is just being written
            return False

    def _freeze(self):
        victim, seconds = self._rng.choice(("postgres", "valkey")), self._seconds()
        try:
            self._stack.freeze(victim)
            self._stopped.wait(seconds)
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        finally:
            with suppress(psutil.Error):
                self._stack.thaw()
        return f"freeze {victim}"

    def _flush(self):
        try:
            with self._stack.broker() as broker:
                broker.flushall()
        except (OSError, redis.RedisError):
            return None
        return "FLUSHALL"

    def _misbehave(self):
        name = self._rng.choice(sorted(MISBEHAVIOUR))
        over = threading.Event()
        self._stack.embedder.misbehave = MISBEHAVIOUR[name](over)
        self._stopped.wait(self._seconds())
        self._stack.embedder.misbehave = lambda request: None
        over.set()
        return f"embeddings: {name}"

    def _seconds(self):
        return self._rng.uniform(2, 5)


def _hang(over):
    return lambda request: over.wait(10) and None


MISBEHAVIOUR = {
    "429": lambda over: lambda request: error(429, **{"Retry-After": "2"}),
    "500": lambda over: lambda request: error(500),
    "garbage": lambda over: lambda request: (200, {"Content-Type": "text/html"}, b"<p>Hello"),
    "hanging": _hang,
}
