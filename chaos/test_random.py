"""F62: everything, or any one process, is killed at a random moment; all promises are kept."""

import json
import random
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

import pytest

from chaos.faults import LOSSES_OF_A_FAULT, VICTIMS, kill_one
from chaos.ledger import Ledger
from chaos.people import Person, create_users, latest_of_all
from chaos.stack import PROCESSES
from notebook.tests.live import until

NAMES = ("ann", "bob", "cleo")
QUIET_SECONDS = 60
POSTGRES_AWAY = r"OperationalError|database_unavailable|InterfaceError|PoolTimeout"
REFUSED = r'"code": 503|Service Unavailable'
BROKER_AWAY = r"broker_unavailable|redis\.exceptions|ConnectionError|kombu"


def pytest_generate_tests(metafunc):
    rounds = metafunc.config.getoption("--rounds")
    if metafunc.function is test_what_was_promised_is_kept_when_one_process_is_killed:
        rounds = (rounds + 1) // 2
    metafunc.parametrize("number", range(1, rounds + 1), ids=lambda number: f"round {number:02}")


@pytest.fixture(scope="session")
def people(shared_stack):
    """Users who remember everything over all rounds."""
    create_users(shared_stack, NAMES)
    with ExitStack() as stack:
        yield [stack.enter_context(closing(Person(shared_stack, name))) for name in NAMES]


@pytest.mark.fault("F62", bound=QUIET_SECONDS, errors=(POSTGRES_AWAY, BROKER_AWAY, REFUSED))
def test_what_was_promised_is_kept_when_everything_is_killed(stack, people, clock, rng, number):
    """`kill -9` of everything at a random moment: after a restart, all promises are kept."""
    with Ledger(stack) as ledger:
        stack.embedder.seconds_per_request = rng.uniform(0, 0.3)
        with acting(people, rng) as stop:
            stop.wait(rng.uniform(0.1, 4))
            stack.kill_everything()
        stack.start()
        with clock:
            until_quiet(stack, people)
        check_promises(stack, people, ledger, faults=1)


@pytest.mark.fault("F62", bound=QUIET_SECONDS, errors=(POSTGRES_AWAY, BROKER_AWAY, REFUSED))
def test_what_was_promised_is_kept_when_one_process_is_killed(stack, people, clock, rng, number):
    """`kill -9` of one to three processes at random moments: nothing else is lost."""
    killed = [rng.choice(VICTIMS) for _ in range(rng.randint(1, 3))]
    with Ledger(stack) as ledger:
        stack.embedder.seconds_per_request = rng.uniform(0, 0.3)
        with acting(people, rng) as stop:
            for victim in killed:
                stop.wait(rng.uniform(0.1, 3))
                kill_one(stack, victim, rng)
        with clock:
            for name in PROCESSES:
                stack.until_back(name)
            until_quiet(stack, people)
        check_promises(stack, people, ledger, faults=len(killed))


@contextmanager
def acting(people, rng):
    """All users act at the same time until the block ends. Yields what stops them."""
    stop, seeds = threading.Event(), [rng.random() for _ in people]

    def act(person, seed):
        own = random.Random(seed)
        person.act(own, stop=stop, actions=own.randint(2, 5))

    with ThreadPoolExecutor(len(people)) as pool:
        futures = [pool.submit(act, *each) for each in zip(people, seeds, strict=True)]
        try:
            yield stop
        finally:
            stop.set()
    for future in futures:
        future.result()


def until_quiet(stack, people):
    """Requests without an answer are repeated; then no work is left."""
    for person in people:
        person.upload_again()
    until(stack.live_tasks, lambda live: not live, seconds=QUIET_SECONDS)


def check_promises(stack, people, ledger, *, faults):
    latest = latest_of_all(stack)
    for person in people:
        person.check(latest)
    assert not ledger.kept
    assert ledger.paid_twice <= faults * LOSSES_OF_A_FAULT
    assert doctor(stack)["healthy"]


def doctor(stack):
    """Runs `manage.py doctor`; AssertionError with its output if it finds anything."""
    try:
        return json.loads(stack.manage("doctor", "--json"))
    except subprocess.CalledProcessError as error:
        raise AssertionError(error.output) from error
