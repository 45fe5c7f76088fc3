"""What must hold of a task, in plain Python: the model that the state machine's test compares with.

It knows nothing of SQL, locks or leases in time. Each method is one move; it answers whether the
move is allowed, and if so makes it.
"""

from dataclasses import dataclass, field
from uuid import UUID

STEPS = ("ONE", "TWO", "THREE")
WEIGHTS = (20, 60, 20)
LIVE = ("PENDING", "RUNNING")
MAX_LOSSES = 3
MAX_FAILURES = 3
# Written down a second time on purpose: the product's table is what is tested.
MOVES = {
    ("PENDING", "RUNNING"), ("PENDING", "FAILED"), ("PENDING", "CANCELLED"),
    ("RUNNING", "PENDING"), ("RUNNING", "COMPLETED"), ("RUNNING", "FAILED"),
    ("RUNNING", "CANCELLED"), ("FAILED", "PENDING"), ("CANCELLED", "PENDING"),
}  # fmt: skip


@dataclass
class Expected:
    status: str = "PENDING"
    attempt: int = 1
    code: str | None = None
    steps: dict[str, str] = field(default_factory=lambda: dict.fromkeys(STEPS, "PENDING"))
    owner: UUID | None = None  # of the step that runs
    expired: bool = False  # its lease ran out
    due: str | None = ""  # the message that waits to be taken up; "" dispatches
    later: bool = False  # it backs off
    percent: int = 0  # of the first unfinished step
    failures: int = 0  # likewise
    losses: int = 0

    @property
    def live(self) -> bool:
        return self.status in LIVE

    @property
    def current(self) -> str | None:
        """The first step that is not done."""
        return next((name for name in STEPS if self.steps[name] != "COMPLETED"), None)

    @property
    def progress(self) -> int:
        """Percent of the whole task, as the weights of its steps have it."""
        done = sum(w for name, w in zip(STEPS, WEIGHTS, strict=True) if self._done(name))
        at = WEIGHTS[STEPS.index(self.current)] * self.percent // 100 if self.current else 0
        return done + at

    def _done(self, name: str) -> bool:
        return self.steps[name] == "COMPLETED"

    def dispatch(self, attempt: int) -> bool:
        if (self.status, self.attempt) != ("PENDING", attempt):
            return False
        self.status = "RUNNING"
        return True

    def may_claim(self, step: str, attempt: int) -> bool:
        turn = self.due == step and not self.later
        return self.status == "RUNNING" and self.attempt == attempt and turn

    def claimed(self, owner: UUID) -> None:
        self.steps[self.current] = "RUNNING"
        self.owner, self.expired, self.due = owner, False, None

    def _released(self, status: str) -> str:
        step = self.current
        self.steps[step] = status
        self.owner, self.expired = None, False
        return step

    def complete(self) -> None:
        self._released("COMPLETED")
        self.percent = self.failures = self.losses = 0
        self.due = self.current
        if self.current is None:
            self.status = "COMPLETED"

    def fail(self, code: str) -> None:
        self._released("FAILED")
        self._close()
        self.status, self.code = "FAILED", code

    def postpone(self, *, later: bool) -> None:
        self.due, self.later = self._released("PENDING"), later

    def lose(self, code: str) -> None:
        if self.losses + 1 >= MAX_LOSSES:
            self.fail(code)
        else:
            self.losses += 1
            self.postpone(later=False)

    def stumble(self, code: str) -> None:
        if self.failures + 1 >= MAX_FAILURES:
            self.fail(code)
        else:
            self.failures += 1
            self.postpone(later=True)

    def cancel(self) -> bool:
        if not self.live:
            return False
        if self.owner:
            self._released("CANCELLED")
        self._close()
        self.status, self.due, self.later = "CANCELLED", None, False
        return True

    def _close(self) -> None:
        for name, status in self.steps.items():
            if status == "PENDING":
                self.steps[name] = "CANCELLED"

    def retry(self) -> bool:
        if self.status not in ("FAILED", "CANCELLED"):
            return False
        for name in STEPS:
            if not self._done(name):
                self.steps[name] = "PENDING"
        self.status, self.due, self.later, self.code = "PENDING", "", False, None
        self.attempt += 1
        self.percent = self.failures = self.losses = 0
        return True
