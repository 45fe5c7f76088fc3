import os
import stat
import subprocess
import sys

import pytest

from notebook.stack.child import PROJECT_DIR
from notebook.stack.data_dir import load_secrets, locked, open_data_dir, runtime, write_private
from notebook.stack.exceptions import StackError
from notebook.stack.tests.stack_process import bare_environment


def test_others_may_pass_through_the_directory_but_see_nothing(tmp_path):
    data_dir = open_data_dir(tmp_path / "a" / "b")

    assert stat.S_IMODE(data_dir.stat().st_mode) & 0o066 == 0
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in data_dir.iterdir()}
    assert modes == dict.fromkeys(["logs", "run", "files", "models"], 0o700)


def test_a_file_in_the_way_is_said_clearly(tmp_path):
    (tmp_path / "data").write_text("")

    with pytest.raises(StackError, match="data can't be used: File exists"):
        open_data_dir(tmp_path / "data")


# What may pass by modes: root is let by without these, as anybody is who starts Notebook.
POWERLESS = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.mark.skipif(sys.platform != "linux", reason="setpriv is Linux's")
@pytest.mark.parametrize(
    ("name", "told"),
    [
        (".", "can't be written. Does it belong to another user?"),
        ("logs", "can't be written. Does it belong to another user?"),
        ("lock", "can't be used: Permission denied."),
        ("secrets.json", "can't be read"),
    ],
)
def test_what_belongs_to_another_is_told_by_its_name(tmp_path, name, told):
    data_dir = open_data_dir(tmp_path / "data")
    load_secrets(data_dir)
    (data_dir / "lock").touch()
    (data_dir / name).chmod(0o500 if (data_dir / name).is_dir() else 0)
    command = [sys.executable, "-m", "notebook.stack", "--no-web"]
    done = subprocess.run(
        [*(POWERLESS if os.geteuid() == 0 else []), *command],
        cwd=PROJECT_DIR, env=bare_environment() | {"DATA_DIR": str(data_dir)}, check=False,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.startswith(f"Error: {(data_dir / name).resolve()} {told}")


def test_a_directory_has_one_holder_whose_pid_is_told(tmp_path):
    with locked(tmp_path), pytest.raises(StackError) as refusal, locked(tmp_path):
        pass

    assert str(refusal.value) == (
        f"Notebook already runs on this data directory (pid {os.getpid()}): {tmp_path}"
    )


def test_a_directory_is_free_again_afterwards(tmp_path):
    with locked(tmp_path):
        pass
    with locked(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_where_a_killed_holder_ran_is_forgotten(tmp_path):
    (tmp_path / "runtime.json").write_text('{"DATABASE_URL": "postgres://gone"}')

    with locked(tmp_path):
        assert runtime(tmp_path) == {}


def test_secrets_are_made_once_and_differ_between_copies(tmp_path):
    (tmp_path / "other").mkdir()

    first = load_secrets(tmp_path)

    assert load_secrets(tmp_path) == first
    assert len({*first.values(), *load_secrets(tmp_path / "other").values()}) == 6
    (tmp_path / "secrets.json").chmod(0o644)  # as some ways to copy it do
    assert load_secrets(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"{broken", b"[]x", b"7", b'["SECRET_KEY"]', b"\xff"])
def test_secrets_that_are_none_are_told_and_kept(tmp_path, content):
    (tmp_path / "secrets.json").write_bytes(content)

    with pytest.raises(StackError, match=r"secrets\.json can't be read .* that of a backup\."):
        load_secrets(tmp_path)
    assert (tmp_path / "secrets.json").read_bytes() == content


def test_a_private_file_is_replaced_whole(tmp_path):
    path = tmp_path / "private"
    path.write_text("old and readable")
    path.chmod(0o644)

    write_private(path, "new")

    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["private"]
