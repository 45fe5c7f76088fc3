"""Postgres, which doesn't run as root, reaches its programs and its data."""

import json
import os
import subprocess
import sys

import pytest

from notebook.stack.account import unprivileged_account

# os.access is access(2), which Postgres asks for the programs beside it.
LOOKS = """import json, os, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(json.dumps([os.getuid(), status["CapEff"].strip(), os.access(sys.argv[1], os.X_OK)]))"""


@pytest.mark.skipif(os.geteuid() != 0, reason="who is not root changes to nobody else")
def test_a_program_in_a_closed_folder_is_found_by_another_account(tmp_path):
    program = tmp_path / "closed" / "program"
    program.parent.mkdir(mode=0o700)
    program.touch(mode=0o755)
    assert_found(program)


@pytest.mark.skipif(os.geteuid() != 0, reason="who is not root changes to nobody else")
def test_a_link_in_a_closed_folder_leads_another_account_to_its_program(tmp_path):
    programs = tmp_path / "closed" / "programs"
    programs.parent.mkdir(mode=0o700)
    programs.symlink_to("/bin")
    assert_found(programs / "sh")


def assert_found(program):
    account = unprivileged_account()
    command = [*account.prefix([program.parent]), sys.executable, "-c", LOOKS, str(program)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    uid, capabilities, is_found = json.loads(done.stdout)
    assert uid == account.uid
    assert int(capabilities, 16) == 1 << 1  # CAP_DAC_OVERRIDE and nothing else
    assert is_found
