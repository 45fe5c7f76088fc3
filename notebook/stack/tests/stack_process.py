"""`python -m notebook.stack` as a test sees it: a process, and what it prints."""

import os
import re
import subprocess
import sys
import time
import uuid

import psutil

from notebook.stack.child import PROJECT_DIR
from notebook.stack.services import KINDS

CHOICES = {variable for kind in KINDS for variable in kind.given_by} | {
    *("ADMIN_PASSWORD", "DATA_DIR", "HOST", "PORT", "SECRET_KEY"),
}


def bare_environment():
    """The environment less all that names a service or chooses how the stack runs."""
    return {name: value for name, value in os.environ.items() if name not in CHOICES}


class Stack:
    """A supervisor in a process of its own, and what it prints."""

    def __init__(self, data_dir, environment, *arguments):
        self.data_dir = data_dir
        self.output = data_dir.with_name(f"{data_dir.name}-{uuid.uuid4().hex}.out")
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "notebook.stack", *arguments],
                cwd=PROJECT_DIR,
                env=environment | {"DATA_DIR": str(data_dir)},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def said(self):
        return self.output.read_text()

    def wait_for(self, pattern, seconds=200):
        """The match of `pattern` in what was printed, as soon as there is one."""
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern, self.said, re.MULTILINE)):
            assert time.monotonic() < deadline, self.said
            assert self.process.poll() is None, self.said
            time.sleep(0.05)
        return match

    def pid(self, name):
        return int((self.data_dir / "run" / f"{name}.pid").read_text().split()[0])

    def runs(self, name):
        return (self.data_dir / "run" / f"{name}.pid").exists()

    def family(self):
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self):
        self.process.kill()
        self.process.wait()


def wait_until(condition, seconds=60):
    """Return as soon as `condition()` is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
