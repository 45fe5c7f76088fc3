"""Commands at a terminal end with a sentence where the settings or Postgres are to blame."""

import os
import subprocess
import sys

import pytest

from notebook.stack.child import PROJECT_DIR
from notebook.stack.service import free_port


def manage(*command, **wrong):
    return run("manage.py", *command, **wrong)


def run(*command, **wrong):
    """The exit code and all that was said."""
    done = subprocess.run(
        [sys.executable, *command],
        cwd=PROJECT_DIR, env=os.environ | wrong, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.parametrize("command", [["embeddings", "show"], ["changepassword", "admin"]])
def test_a_postgres_that_is_away_is_told_in_a_line(command):
    code, said = manage(*command, DATABASE_URL=f"postgres://u:p@127.0.0.1:{free_port()}/n")
    assert code == 1
    assert said.startswith("Postgres can't be reached: ")
    assert "Connection refused" in said
    assert said.count("\n") == 1


def test_that_nothing_runs_is_told(tmp_path):
    nothing = {"DATABASE_URL": "", "DATA_DIR": str(tmp_path)}
    code, said = manage("embeddings", "show", **nothing)
    assert code == 1
    last = f"DATABASE_URL is not set, and Notebook does not run on {tmp_path}.\n"
    assert said.splitlines(keepends=True)[1:] == [last]


@pytest.mark.parametrize("command", ["doctor", "sweep", "check"])
def test_a_wrong_setting_is_told_in_a_line(command):
    assert manage(command, HTTPS="maybe") == (1, "HTTPS must be true or false.\n")


def test_a_web_server_without_a_secret_key_says_so():
    said = "Set SECRET_KEY: sessions signed with the known one can be forged.\n"
    assert run("-m", "notebook.stack.web", SECRET_KEY="") == (1, said)
