import subprocess
import sys

import psutil
import pytest

from notebook.stack.data_dir import open_data_dir
from notebook.stack.leftovers import end_leftovers


@pytest.fixture
def data_dir(tmp_path):
    return open_data_dir(tmp_path / "data")


@pytest.fixture
def sleeper():
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as process:
        yield process
        process.kill()


def record(data_dir, pid, created):
    (data_dir / "run" / "worker.pid").write_text(f"{pid}\n{created}\n")


def test_a_recorded_process_is_ended_and_forgotten(data_dir, sleeper, capsys):
    record(data_dir, sleeper.pid, psutil.Process(sleeper.pid).create_time())

    end_leftovers(data_dir)

    assert not psutil.pid_exists(sleeper.pid)
    assert list((data_dir / "run").iterdir()) == []
    assert capsys.readouterr().out == "Ending 1 process(es) left by an earlier run ...\n"


def test_another_process_that_got_the_same_pid_is_left_alone(data_dir, sleeper, capsys):
    record(data_dir, sleeper.pid, psutil.Process(sleeper.pid).create_time() - 60)

    end_leftovers(data_dir)

    assert sleeper.poll() is None
    assert list((data_dir / "run").iterdir()) == []
    assert capsys.readouterr().out == ""


def test_children_of_a_leader_that_is_gone_are_ended(data_dir):
    code = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid)"
    leader = subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE, text=True
    )
    with leader:
        child = psutil.Process(int(leader.stdout.readline()))
        leader.wait()
        record(data_dir, leader.pid, 0)

        end_leftovers(data_dir)

    assert psutil.wait_procs([child], timeout=5)[1] == []


@pytest.mark.parametrize("content", ["", "nonsense", "1 2 3"])
def test_a_broken_record_is_dropped(data_dir, content):
    (data_dir / "run" / "web.pid").write_text(content)

    end_leftovers(data_dir)

    assert list((data_dir / "run").iterdir()) == []
