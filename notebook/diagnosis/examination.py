"""Runs all checks in order, each with a deadline, and the repairs."""

from collections.abc import Callable, Iterator

from documents import file_integrity
from documents import integrity as document_integrity
from notebook.diagnosis import life, services
from notebook.diagnosis.finding import Finding, Level, within
from tasks import integrity as task_integrity
from tasks.invariants import Invariant

SERVICE_SECONDS = 8
EMBEDDING_SECONDS = 30
WORKERS_SECONDS = 15  # they are asked twice, through a broker that may be frozen
ROWS_SECONDS = 90  # longer than Postgres' statement timeout
DEEP_SECONDS = 3600  # all files are read
ROUNDS = 3  # a repair may uncover other violations

Look = Callable[[], Finding]


def examine(*, deep: bool, fix: bool) -> Iterator[Finding]:
    """All findings; without Postgres only those about services."""
    database = _look("Postgres", services.postgres, SERVICE_SECONDS)
    yield database
    valkey = _look("Valkey", services.valkey, SERVICE_SECONDS)
    yield valkey
    yield _look("Storage", services.storage, SERVICE_SECONDS)
    embedding = services.embedding if deep else services.endpoint
    yield _look("Embeddings", embedding, EMBEDDING_SECONDS if deep else SERVICE_SECONDS)
    if database.level == Level.UNKNOWN or database.facts["pending_migrations"]:
        return
    if valkey.facts:
        yield _look("Workers", life.consumers, WORKERS_SECONDS)
    for name, look in (
        ("Sweeper", life.sweepers), ("Waiting", life.waiting), ("Paused", life.paused),
    ):  # fmt: skip
        yield _look(name, look, SERVICE_SECONDS)
    every = invariants(deep=deep)
    if fix:
        yield from _mended(every)
    yield from _broken(every, DEEP_SECONDS if deep else ROWS_SECONDS)


def invariants(*, deep: bool) -> tuple[Invariant, ...]:
    """The invariants to check; `deep` includes those that read texts, vectors and files."""
    found = (
        *task_integrity.INVARIANTS, *document_integrity.INVARIANTS, *file_integrity.INVARIANTS,
    )  # fmt: skip
    if deep:
        return (*found, *document_integrity.DEEP, *file_integrity.DEEP)
    return (*found, *document_integrity.SAMPLES)


def _look(name: str, look: Look, seconds: float) -> Finding:
    try:
        return within(seconds, look)
    except TimeoutError:
        said = f"No answer within {seconds:.0f} s."
    except Exception as error:  # noqa: BLE001 - whatever it is, the other looks go on
        said = f"Looking failed ({type(error).__name__})."
    level = Level.PROBLEM if look in _NEED_NO_DATABASE else Level.UNKNOWN
    return Finding(level=level, name=name, sentence=said)


_NEED_NO_DATABASE = (
    services.valkey, services.storage, services.endpoint, services.embedding, life.consumers,
)  # fmt: skip


def _mended(every: tuple[Invariant, ...]) -> Iterator[Finding]:
    for _ in range(ROUNDS):
        done = [found for each in every if each.fix and (found := _mend(each))]
        yield from done
        if not done:
            return


def _mend(each: Invariant) -> Finding | None:
    def mend() -> Finding:
        count = each.mend()
        said = f"Mended {count} × {each.sentence}"
        return Finding(level=Level.NOTE, name=each.name, sentence=said, facts={"mended": count})

    found = _look(each.name, mend, DEEP_SECONDS)
    return found if found.level != Level.NOTE or found.facts["mended"] else None


def _broken(every: tuple[Invariant, ...], seconds: float) -> Iterator[Finding]:
    found = [_look(each.name, _asked(each), seconds) for each in every]
    held = sum(each.level == Level.OK for each in found)
    said = f"{held} of {len(found)} rules about tasks, documents and files hold."
    yield Finding(level=Level.OK, name="Rules", sentence=said, facts={"held": held})
    yield from (each for each in found if each.level != Level.OK)


def _asked(each: Invariant) -> Look:
    def look() -> Finding:
        found = each.look()
        if found is None:
            return Finding(level=Level.OK, name=each.name, sentence="Holds.")
        facts = {"count": found.count, "ids": found.ids, "fixable": found.fixable}
        shown = ", ".join(found.ids) + (", …" if found.count > len(found.ids) else "")
        help_ = " `--fix` mends what is safe to mend." if found.fixable else ""
        said = f"{found.count} × {found.sentence}{help_} Look at {shown}."
        return Finding(level=Level.PROBLEM, name=each.name, sentence=said, facts=facts)

    return look
