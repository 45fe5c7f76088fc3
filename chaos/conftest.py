"""The stack shared by the rows, the clock of each row, and the report."""

import random
import time

import pytest

from chaos import invariants, report
from chaos.stack import ChaosStack

TIMEOUT_SECONDS = 600  # of a row including starting and healing the stack; its bound is separate


def pytest_addoption(parser):
    group = parser.getgroup("chaos")
    group.addoption("--report", help="write the table of rows as Markdown to FILE, JSON beside it")
    group.addoption("--rows", default="", help='only these rows, for instance "F30 F31"')
    group.addoption("--seed", type=int, default=None, help="of all that is random in the rows")
    group.addoption("--rounds", type=int, default=50, help="of F62, each a row of its own")


def pytest_configure(config):
    seed = config.getoption("--seed", None)
    seed = random.SystemRandom().randrange(10**9) if seed is None else seed
    config.stash[REPORT] = report.Report(seed)


REPORT = pytest.StashKey[report.Report]()


def pytest_report_header(config):
    return f"chaos seed: {config.stash[REPORT].seed}"


def pytest_itemcollected(item):
    fault = item.get_closest_marker("fault")
    if fault is None or "bound" not in fault.kwargs:
        raise pytest.UsageError(f"{item.nodeid} lacks @pytest.mark.fault(ROW, bound=SECONDS)")
    item.add_marker("chaos")
    item.add_marker(pytest.mark.timeout(TIMEOUT_SECONDS))
    title = (item.function.__doc__ or item.name).strip().splitlines()[0]
    case = item.callspec.id if hasattr(item, "callspec") else ""
    item.config.stash[REPORT].rows[item.nodeid] = report.Row(
        id=fault.args[0],
        title=title,
        parameters=case,
        bound=fault.kwargs["bound"],
        representative=item.get_closest_marker("representative") is not None,
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    if wanted := config.getoption("--rows", "").split():
        rows = config.stash[REPORT].rows
        chosen = [item for item in items if rows.get(item.nodeid, NO_ROW).id in wanted]
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


NO_ROW = report.Row("", "", "", 0)


def pytest_collection_finish(session):
    """The report lists only rows that will run."""
    chosen = {item.nodeid for item in session.items}
    rows = session.config.stash[REPORT].rows
    for node_id in rows.keys() - chosen:
        del rows[node_id]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    found = yield
    if item.nodeid in item.config.stash[REPORT].rows:
        item.config.stash[REPORT].record(item.nodeid, found.when, found.outcome, found.duration)
    return found


def pytest_sessionfinish(session):
    if path := session.config.getoption("--report", None):
        session.config.stash[REPORT].write(path)


# --- Fixtures ------------------------------------------------------------------------------------
class Clock:
    """`with clock:` measures from the fault to the end of its effects; fails over the row's
    bound."""

    def __init__(self, row):
        self._row = row

    @property
    def bound(self):
        return self._row.bound

    def __enter__(self):
        self._started = time.monotonic()
        return self

    def __exit__(self, kind, *_):
        seconds = time.monotonic() - self._started
        self._row.seconds = max(seconds, self._row.seconds or 0)
        if kind is None:
            assert seconds <= self.bound, f"{seconds:.1f} s, at most {self.bound} s were promised"


@pytest.fixture
def clock(request):
    row = request.config.stash[REPORT].rows[request.node.nodeid]
    yield Clock(row)
    if row.outcome != "failed":
        assert row.seconds is not None, "the row did not measure its bound with the clock"


@pytest.fixture
def rng(request):
    """Randomness, reproducible by the printed seed."""
    seed = request.config.stash[REPORT].seed
    return random.Random(f"{seed} {request.node.nodeid}")


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory, embedding_server, request):
    stack = ChaosStack(tmp_path_factory.mktemp("chaos"), embedding_server)
    try:
        stack.start()
        request.config.stash[REPORT].servers |= report.server_versions(stack)
        yield stack
        invariants.check_by_doctor(stack)
    finally:
        stack.stop()


@pytest.fixture
def stack(shared_stack, request):
    """A healthy stack; after the row it has to be healthy again, and all invariants must hold."""
    fault = request.node.get_closest_marker("fault")
    row = request.config.stash[REPORT].rows[request.node.nodeid]
    if not shared_stack.is_running:
        shared_stack.start()
    shared_stack.mark_logs()
    shared_stack.embedder.reset()
    yield shared_stack
    if row.outcome == "failed":
        keep_logs(request.config, shared_stack, row)
    try:
        shared_stack.heal()
        invariants.check(shared_stack, allowed=fault.kwargs.get("errors", ()))
        end_leftovers(shared_stack)
    except BaseException:
        keep_logs(request.config, shared_stack, row)
        shared_stack.start_over()
        raise


CANCEL_ALL = """
from tasks.models import LIVE, Task
from tasks.services import cancel
for pk in Task.objects.filter(status__in=LIVE).values_list("pk", flat=True):
    cancel(pk)
"""
SEEN_SECONDS = 2  # within which a step notices a cancel


def end_leftovers(stack):
    """Unfinished work of one row would count as the next one's."""
    with stack.database() as db:
        live = db.execute(
            "SELECT count(*) FROM tasks_task WHERE status IN ('PENDING', 'RUNNING')"
        ).fetchone()[0]
    if live:
        stack.manage("shell", "--no-imports", "-c", CANCEL_ALL)
        time.sleep(SEEN_SECONDS)


def keep_logs(config, stack, row):
    """Copy what every process has logged since the start of the row to `.chaos/logs/`."""
    name = "-".join(filter(None, (row.id, row.parameters.replace("/", "_"))))
    folder = config.rootpath / ".chaos" / "logs" / name
    folder.mkdir(parents=True, exist_ok=True)
    for path in (stack.data_dir / "logs").glob("*.log"):
        (folder / path.name).write_text(stack.logs(path.stem))


@pytest.fixture
def client(stack):
    with stack.client() as client:
        yield client
