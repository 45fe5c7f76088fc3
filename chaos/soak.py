"""Hundreds of documents under random faults: `make soak`.

Exit code 0 if all of them became AVAILABLE in time and nothing was lost, duplicated or
inconsistent.
"""

import argparse
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

from chaos import corpus, invariants, soak_report
from chaos.faults import Faults
from chaos.ledger import Ledger
from chaos.people import create_users
from chaos.soak_clients import Listener, Uploader
from chaos.stack import ChaosStack
from documents.tests.embedding_server import DIMENSIONS, EmbeddingServer

USERS = ("ann", "bob", "cleo", "dan", "eve")
KINDS = (*("txt", "md", "html", "csv", "docx") * 3, "pdf")
PARAGRAPHS = (2, 12)
UPLOADS_WITHIN = 0.2  # share of the total time
FAULTS_WITHIN = 0.7  # after this share it must settle
PAUSE_SECONDS = (2, 9)  # between two faults
EXPECTED_ERRORS = (
    r"OperationalError|InterfaceError|database_unavailable|PoolTimeout",
    r"broker_unavailable|redis\.exceptions|ConnectionError|TimeoutError",
    r'"code": 503|Service Unavailable',
)


class Soak:
    """One run. After `run`, `wrong` lists problems; empty if there are none."""

    def __init__(self, stack, *, documents, seconds, seed):
        self.stack, self.seconds, self.seed = stack, seconds, seed
        self.rng = random.Random(seed)
        self.faults, self.wrong = [], []  # (second, name); sentences
        self._over, self._calm = threading.Event(), threading.Event()
        pace = UPLOADS_WITHIN * seconds * len(USERS) / documents
        self.uploaders = [self._uploader(user, documents, pace) for user in USERS]
        self.listeners = [Listener(stack, user, stopped=self._over) for user in USERS[:2]]
        self.count = documents

    def _uploader(self, user, documents, pace):
        own = random.Random(f"{self.seed} {user}")
        share = range(USERS.index(user), documents, len(USERS))
        made = [
            corpus.document(own.choice(KINDS), own, paragraphs=own.randint(*PARAGRAPHS))
            for _ in share
        ]
        return Uploader(self.stack, user, made, own, pace=pace, stopped=self._over)

    def run(self):
        self.started = time.monotonic()
        with Ledger(self.stack) as self.ledger:
            breaker = threading.Thread(target=self._break_things, daemon=True)
            for thread in (*self.uploaders, *self.listeners, breaker):
                thread.start()
            self._until_done()
            self.took = self.elapsed
            self._calm.set()
            breaker.join(30)
            self._judge()
        self._over.set()
        for thread in (*self.uploaders, *self.listeners):
            thread.join(30)

    @property
    def elapsed(self):
        return time.monotonic() - self.started

    @property
    def available(self):
        return sum(each.statuses["AVAILABLE"] for each in self.uploaders)

    def _break_things(self):
        try:
            self._strike_again_and_again()
        except Exception as error:  # noqa: BLE001 - a soak without faults is none
            self.wrong.append(f"the faults ended: {type(error).__name__}: {error}")

    def _strike_again_and_again(self):
        faults = Faults(self.stack, self.rng, stopped=self._calm)
        while not self._calm.wait(self.rng.uniform(*PAUSE_SECONDS)):
            if self.elapsed > FAULTS_WITHIN * self.seconds:
                return
            at = self.elapsed
            if name := faults.strike():
                self.faults.append((round(at, 1), name))

    def _until_done(self):
        tell = soak_report.Teller(self)
        while not all(each.is_done for each in self.uploaders):
            if self.elapsed > self.seconds or any(each.error for each in self.uploaders):
                break
            tell()
            self._over.wait(0.5)
        tell(last=True)

    def _judge(self):
        """Fill `wrong`."""
        try:
            self._look_closely()
        except Exception as error:  # noqa: BLE001 - whatever it is, the report is written
            self.wrong.append(f"{type(error).__name__}: {str(error)[:2000]}")

    def _look_closely(self):
        self.wrong += [each.error for each in self.uploaders if each.error]
        self.wrong += soak_report.stuck(self)
        self.wrong += soak_report.lost_or_doubled(self)
        self.wrong += soak_report.paid_for_nothing(self)
        self.wrong += soak_report.sockets(self)
        if not self.wrong:
            self.stack.heal()
            invariants.check(self.stack, allowed=EXPECTED_ERRORS)


def main():
    options = read_options()
    print(f"soak seed: {options.seed}", flush=True)  # to reproduce the run
    with EmbeddingServer() as embedder, tempfile.TemporaryDirectory(prefix="soak-") as data_dir:
        os.environ |= {
            "EMBEDDING_BASE_URL": embedder.url,
            "EMBEDDING_DIMENSIONS": str(DIMENSIONS),
            "EMBEDDING_PASSAGE_MODEL": "test-passage",
            "EMBEDDING_QUERY_MODEL": "test-query",
            "OPENAI_API_KEY": "sk-test-not-a-secret",
        }
        stack = ChaosStack(Path(data_dir) / "data", embedder)
        try:
            stack.start()
            create_users(stack, USERS)
            soak = Soak(
                stack, documents=options.documents, seconds=options.seconds, seed=options.seed
            )
            soak.run()
            soak_report.write(soak, options.report)
            if soak.wrong:
                soak_report.keep_logs(stack, options.report)
        finally:
            stack.stop()
    return 1 if soak.wrong else 0


def read_options():
    parser = argparse.ArgumentParser(prog="python -m chaos.soak", description=__doc__)
    parser.add_argument("--documents", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=900, help="in which all must be done")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--report", type=Path, default=Path(".chaos/soak.md"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
