import asyncio
import os
import signal
import subprocess
import sys
import time
from functools import partial

import psutil
import pytest

from notebook.stack import child as child_module
from notebook.stack.child import Child, Command, die_with, open_log, run_once
from notebook.stack.data_dir import open_data_dir
from notebook.stack.exceptions import StackError

# Starts a grandchild in a session of its own, tells its pid, and ignores requests to end.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen(["sleep", "600"], start_new_session=True)
print(grandchild.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def data_dir(tmp_path):
    return open_data_dir(tmp_path / "data")


def python(code, name="child", **options):
    return Command(name=name, arguments=[sys.executable, "-c", code], **options)


async def first_line(child):
    async with asyncio.timeout(10):
        while not child.log.read_text().endswith("\n"):  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.02)
    return child.log.read_text().strip()


def test_its_pid_is_recorded_while_it_runs(data_dir):
    async def scenario():
        child = Child(python("import time; time.sleep(600)"), data_dir=data_dir)
        await child.start()
        record = (data_dir / "run" / "child.pid").read_text().split()
        assert (int(record[0]), float(record[1])) == (
            child.pid,
            psutil.Process(child.pid).create_time(),
        )
        await child.stop(grace=10)
        assert child.exit_code == -15

    asyncio.run(scenario())
    assert list((data_dir / "run").iterdir()) == []


def test_a_child_whose_parent_is_gone_before_it_begins_does_not_begin(tmp_path):
    command = ["touch", str(tmp_path / "begun")]
    begin = partial(die_with, os.getppid(), signal.SIGKILL)  # of another parent than we are

    assert subprocess.run(command, preexec_fn=begin, check=False).returncode == 1
    assert list(tmp_path.iterdir()) == []


NICE = """
import os, pathlib
group = pathlib.Path("/proc/self/autogroup")  # Linux, "/autogroup-7 nice 5"
print(os.nice(0), group.read_text().split()[-1] if group.exists() else "5")
"""


def test_work_in_the_background_gives_way_to_everything_else(data_dir):
    asyncio.run(run_once(python(NICE, background=True), data_dir=data_dir))
    assert (data_dir / "logs" / "child.log").read_text() == "5 5\n"


def test_the_reason_of_an_end_is_not_that_of_an_earlier_one(data_dir):
    for said in ("first", "second"):
        with pytest.raises(StackError) as failure:
            asyncio.run(run_once(python(f"import sys; sys.exit('{said}')"), data_dir=data_dir))

    assert str(failure.value).endswith("child.log:\n  second")
    assert (data_dir / "logs" / "child.log").read_text() == "first\nsecond\n"


def test_stopping_ends_stubborn_children_and_their_runaway_children(data_dir):
    async def scenario():
        child = Child(python(STUBBORN), data_dir=data_dir)
        await child.start()
        grandchild = psutil.Process(int(await first_line(child)))
        started = time.monotonic()
        await child.stop(grace=0.3)
        assert 0.3 <= time.monotonic() - started < 5
        assert child.why_it_ended() == "killed by signal 9"
        return grandchild

    grandchild = asyncio.run(scenario())
    assert psutil.wait_procs([grandchild], timeout=5)[1] == []


def test_a_hurry_cuts_the_grace_short(data_dir):
    async def scenario():
        child, hurry = Child(python(STUBBORN), data_dir=data_dir), asyncio.Event()
        await child.start()
        await first_line(child)
        hurry.set()
        async with asyncio.timeout(10):
            await child.stop(grace=600, hurry=hurry)

    asyncio.run(scenario())


def test_a_failing_command_is_reported_with_the_end_of_its_log(data_dir):
    code = "import sys; [print('line', n) for n in range(40)]; sys.exit(3)"

    with pytest.raises(StackError) as failure:
        asyncio.run(run_once(python(code, name="once"), data_dir=data_dir))

    lines = str(failure.value).splitlines()
    log = data_dir / "logs" / "once.log"
    assert lines[0] == f"once failed: exit code 3. The end of its log, {log}:"
    assert lines[1:] == [f"  line {number}" for number in range(25, 40)]


def test_variables_are_added_to_the_environment(data_dir, monkeypatch):
    monkeypatch.setenv("INHERITED", "yes")
    code = "import os; print(os.environ['INHERITED'], os.environ['ADDED'])"

    asyncio.run(run_once(python(code, variables={"ADDED": "too"}), data_dir=data_dir))

    assert (data_dir / "logs" / "child.log").read_text() == "yes too\n"


def test_a_log_that_grew_too_large_makes_room(tmp_path, monkeypatch):
    monkeypatch.setattr(child_module, "LOG_BYTES", 3)
    log = tmp_path / "name.log"
    log.write_text("long")

    with open_log(log) as file:
        file.write(b"new")

    assert log.read_text() == "new"
    assert (tmp_path / "name.log.1").read_text() == "long"


def test_a_process_that_is_gone_was_started_at_no_time():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert child_module.created_at(process.pid) == 0
